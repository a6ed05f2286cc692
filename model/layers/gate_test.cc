#include "model/layers/gate.h"

#include <vector>

#include "gtest/gtest.h"

namespace baleen {
namespace {

// A gate whose logits are its input.
GateWeights IdentityGate(int experts, int top_k, int groups, int top_groups) {
  GateWeights gate;
  gate.params.experts = experts;
  gate.params.top_k = top_k;
  gate.params.groups = groups;
  gate.params.top_groups = top_groups;
  std::vector<float> identity(experts * experts);
  for (int i = 0; i < experts; ++i) identity[i * (experts + 1)] = 1;
  WeightView view;
  view.data = identity.data();
  view.rows = experts;
  view.cols = experts;
  gate.linear = PackedLinear::Pack(view, DType::kF32, Isa::kReference);
  return gate;
}

// Model spec section 11, item 10, as two equal rows.
TEST(GateTest, NoauxTcOfTheSpecExample) {
  GateWeights gate = IdentityGate(8, 2, 4, 2);
  gate.params.group_score = GateGroups::kSumOfTopTwo;
  gate.params.normalize = true;
  gate.params.scale = 2.5f;
  gate.bias = {-.5f, 0, .1f, .1f, 0, 0, .3f, -.2f};
  const std::vector<float> x = {2, -1, .5f, .4f, 1.5f, -2, 0, .3f, 2, -1, .5f, .4f, 1.5f, -2, 0, .3f};
  float logits[16], weights[4];
  int32_t ids[4];
  ApplyGate(gate, x.data(), 2, logits, ids, weights, nullptr);
  for (int row = 0; row < 2; ++row) {
    EXPECT_EQ(ids[2 * row], 2);
    EXPECT_EQ(ids[2 * row + 1], 6);
    EXPECT_NEAR(weights[2 * row], 1.386374, 2e-6);
    EXPECT_NEAR(weights[2 * row + 1], 1.113626, 2e-6);
  }
  gate.bias.clear();
  ApplyGate(gate, x.data(), 1, logits, ids, weights, nullptr);
  EXPECT_EQ(ids[0], 0);
  EXPECT_EQ(ids[1], 2);
  EXPECT_NEAR(weights[0], 1.464815, 2e-6);
  EXPECT_NEAR(weights[1], 1.035185, 2e-6);
}

TEST(GateTest, ParamsFollowTheConfig) {
  ModelConfig config;
  config.n_routed_experts = 160;
  config.num_experts_per_tok = 6;
  config.n_group = 8;
  config.topk_group = 3;
  config.topk_method = TopkMethod::kGroupLimitedGreedy;
  config.scoring_func = ScoringFunc::kSoftmax;
  config.routed_scaling_factor = 16;
  const GateParams params = GateParamsOf(config);
  EXPECT_EQ(params.experts, 160);
  EXPECT_EQ(params.top_k, 6);
  EXPECT_EQ(params.groups, 8);
  EXPECT_EQ(params.top_groups, 3);
  EXPECT_EQ(params.group_score, GateGroups::kMax);
  EXPECT_EQ(params.scoring, GateScoring::kSoftmax);
  EXPECT_FALSE(params.normalize);
  EXPECT_EQ(params.scale, 16.0f);
  config.topk_method = TopkMethod::kNoauxTc;
  EXPECT_EQ(GateParamsOf(config).group_score, GateGroups::kSumOfTopTwo);
  config.topk_method = TopkMethod::kGreedy;
  EXPECT_EQ(GateParamsOf(config).group_score, GateGroups::kNone);
}

}  // namespace
}  // namespace baleen
