#include "gtest/gtest.h"
#include "kernels/cuda/permute/permute.h"

namespace baleen::cuda {
namespace {

template <typename T>
T* Somewhere() {
  return reinterpret_cast<T*>(0x1000);
}

TEST(PermuteProblemsTest, PlanPermute) {
  PlanPermuteArgs args = {
      10, 8, 256, 32, RowGroups::kMasked, 10, Somewhere<int32_t>(), Somewhere<int32_t>(), Somewhere<int32_t>(), Somewhere<int32_t>()};
  EXPECT_EQ(PlanPermuteProblem(args), "");
  args.capacity = 9;
  EXPECT_EQ(PlanPermuteProblem(args), "PlanPermute: capacity is 9, at least 10");
  args.grouping = RowGroups::kDense;
  EXPECT_EQ(PlanPermuteProblem(args), "PlanPermute: copies lie contiguous or masked");
  args.grouping = RowGroups::kContiguous;
  args.rows = int64_t{1} << 30;
  EXPECT_EQ(PlanPermuteProblem(args), "PlanPermute: rows * top_k is 8589934592, at most 2147483647");
}

TEST(PermuteProblemsTest, Permute) {
  PermuteArgs args;
  args.rows = 2;
  args.top_k = 8;
  args.row_bytes = 7168;
  args.x = args.y = Somewhere<void>();
  args.slots = Somewhere<int32_t>();
  EXPECT_EQ(PermuteProblem(args), "");
  args.scale_blocks = 56;
  EXPECT_EQ(PermuteProblem(args), "Permute: x_scales is null");
  args.row_bytes = 7160;
  EXPECT_EQ(PermuteProblem(args), "Permute: row_bytes is 7160, not a multiple of 16");
}

TEST(PermuteProblemsTest, Combine) {
  CombineArgs args = {2, 8, 7168, Somewhere<Bf16>(), Somewhere<int32_t>(), Somewhere<float>(), nullptr, Somewhere<float>()};
  EXPECT_EQ(CombineProblem(args), "");
  args.hidden = 7166;
  EXPECT_EQ(CombineProblem(args), "Combine: hidden is 7166, not a multiple of 4");
  args.hidden = 7168;
  args.top_k = 65;
  EXPECT_EQ(CombineProblem(args), "Combine: top_k is 65, at most 64");
}

}  // namespace
}  // namespace baleen::cuda
