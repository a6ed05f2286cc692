#include "gtest/gtest.h"
#include "kernels/cuda/gate/gate.h"

namespace baleen::cuda {
namespace {

GateArgs Good() {
  GateArgs args;
  args.params.experts = 256;
  args.params.top_k = 8;
  args.params.groups = 8;
  args.params.top_groups = 4;
  args.rows = 1;
  args.logits = reinterpret_cast<const float*>(0x1000);
  args.ids = reinterpret_cast<int32_t*>(0x1000);
  args.weights = reinterpret_cast<float*>(0x1000);
  return args;
}

TEST(GateProblemTest, NamesWhatIsWrong) {
  EXPECT_EQ(GateProblem(Good()), "");
  const auto problem = [](auto change) {
    GateArgs args = Good();
    change(args);
    return GateProblem(args);
  };
  EXPECT_EQ(problem([](GateArgs& args) { args.params.experts = 513; }), "Gate: experts is 513, at most 512");
  EXPECT_EQ(problem([](GateArgs& args) { args.params.top_k = 33; }), "Gate: top_k is 33, at most 32");
  EXPECT_EQ(problem([](GateArgs& args) { args.params.experts = args.params.groups = 4; }), "Gate: top_k is 8, at most 4");
  EXPECT_EQ(problem([](GateArgs& args) { args.params.groups = 7; }), "Gate: experts is 256, not a multiple of 7");
  EXPECT_EQ(problem([](GateArgs& args) { args.params.top_groups = 9; }), "Gate: top_groups is 9, at most 8");
  EXPECT_EQ(problem([](GateArgs& args) { args.logits = nullptr; }), "Gate: logits is null");
}

}  // namespace
}  // namespace baleen::cuda
