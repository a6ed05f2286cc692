#include "gtest/gtest.h"
#include "kernels/cuda/swiglu/swiglu.h"

namespace baleen::cuda {
namespace {

SwiGluArgs Good() {
  SwiGluArgs args;
  args.rows = 6;
  args.inner = 96;
  args.gate_up = reinterpret_cast<const Bf16*>(0x1000);
  args.codes = reinterpret_cast<uint8_t*>(0x1000);
  args.scales = reinterpret_cast<float*>(0x1000);
  args.scale_stride = 8;
  return args;
}

TEST(SwiGluProblemTest, NamesWhatIsWrong) {
  EXPECT_EQ(SwiGluProblem(Good()), "");
  const auto problem = [](auto change) {
    SwiGluArgs args = Good();
    change(args);
    return SwiGluProblem(args);
  };
  EXPECT_EQ(problem([](SwiGluArgs& args) { args.inner = 90; }), "SwiGlu: inner is 90, not a multiple of 8");
  EXPECT_EQ(problem([](SwiGluArgs& args) { args.codes = nullptr; }), "SwiGlu: neither out nor codes is wanted");
  EXPECT_EQ(problem([](SwiGluArgs& args) { args.scales = nullptr; }), "SwiGlu: scales is null");
  EXPECT_EQ(problem([](SwiGluArgs& args) { args.grouping = RowGroups::kBatched; }), "SwiGlu: rows are not batched");
  EXPECT_EQ(problem([](SwiGluArgs& args) { args.grouping = RowGroups::kContiguous; }), "SwiGlu: group_rows is null");
}

}  // namespace
}  // namespace baleen::cuda
