#include "gtest/gtest.h"
#include "kernels/cuda/quantize/quantize.h"

namespace baleen::cuda {
namespace {

alignas(16) uint8_t memory[64];

QuantizeArgs Good() {
  QuantizeArgs args;
  args.rows = 2;
  args.width = args.ldx = 16;
  args.x = reinterpret_cast<const Bf16*>(memory);
  args.codes = memory;
  args.scales = reinterpret_cast<float*>(memory);
  args.scale_stride = 2;
  return args;
}

TEST(QuantizeArgsTest, NamesWhatIsWrong) {
  EXPECT_EQ(QuantizeProblem(Good()), "");
  QuantizeArgs args = Good();
  args.width = 24;
  EXPECT_EQ(QuantizeProblem(args), "Quantize: width is 24, not a multiple of 16");
  args = Good();
  args.ldx = 20;
  EXPECT_EQ(QuantizeProblem(args), "Quantize: ldx is 20, not a multiple of 8");
  args = Good();
  args.scale_stride = 1;
  EXPECT_EQ(QuantizeProblem(args), "Quantize: scale_stride is 1, at least 2");
  args = Good();
  args.codes = nullptr;
  EXPECT_EQ(QuantizeProblem(args), "Quantize: codes is null");
}

}  // namespace
}  // namespace baleen::cuda
