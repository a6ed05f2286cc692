#include <cmath>
#include <vector>

#include "gtest/gtest.h"
#include "kernels/cuda/rope/rope.h"
#include "kernels/cuda/rope/rotate.h"

namespace baleen::cuda {
namespace {

TEST(RopeProblemTest, NamesWhatIsWrong) {
  RopeArgs args;
  args.rows = 1;
  args.heads = 4;
  args.width = 64;
  args.x = args.y = reinterpret_cast<Bf16*>(0x1000);
  args.positions = reinterpret_cast<const int32_t*>(0x1000);
  args.frequencies = reinterpret_cast<const float*>(0x1000);
  EXPECT_EQ(RopeProblem(args), "");
  args.x_head_stride = 3;
  EXPECT_EQ(RopeProblem(args), "Rope: x_head_stride is 3, not a multiple of 2");
  args.x_head_stride = 192;
  args.width = 258;
  EXPECT_EQ(RopeProblem(args), "Rope: width is 258, at most 256");
  args.width = 64;
  args.positions = nullptr;
  EXPECT_EQ(RopeProblem(args), "Rope: positions is null");
}

// Model spec section 11, item 6.
TEST(RotateTest, InterleavedPairs) {
  const ChannelPair first = Rotate({1, 2}, RotationAt(3, 1, 1));
  const ChannelPair second = Rotate({3, 4}, RotationAt(3, 0.01f, 1));
  EXPECT_NEAR(first.even, -1.272233f, 1e-6);
  EXPECT_NEAR(first.odd, -1.838865f, 1e-6);
  EXPECT_NEAR(second.even, 2.878668f, 1e-6);
  EXPECT_NEAR(second.odd, 4.088187f, 1e-6);
  EXPECT_FLOAT_EQ(RotationAt(0, 1, 1.5f).cosine, 1.5f);
}

}  // namespace
}  // namespace baleen::cuda
