#include "kernels/gate.h"

#include <cmath>
#include <numeric>
#include <set>
#include <vector>

#include "gtest/gtest.h"

namespace baleen {
namespace {

struct Selection {
  std::vector<int32_t> ids;
  std::vector<float> weights;
};

Selection Select(const GateParams& params, const std::vector<float>& logits, const std::vector<float>& bias = {}) {
  Selection selection{std::vector<int32_t>(params.top_k, -1), std::vector<float>(params.top_k, NAN)};
  SelectExperts(params, logits.data(), bias.empty() ? nullptr : bias.data(), selection.ids.data(), selection.weights.data());
  return selection;
}

void ExpectWeights(const Selection& selection, const std::vector<float>& expected) {
  ASSERT_EQ(selection.weights.size(), expected.size());
  for (size_t i = 0; i < expected.size(); ++i) EXPECT_NEAR(selection.weights[i], expected[i], 1e-5) << i;
}

GateParams NoAuxTc() {
  GateParams params;
  params.experts = 8;
  params.top_k = 2;
  params.groups = 4;
  params.top_groups = 2;
  params.group_score = GateGroups::kSumOfTopTwo;
  params.normalize = true;
  params.scale = 2.5f;
  return params;
}

// Model spec section 11, item 10.
TEST(GateTest, NoAuxTc) {
  const std::vector<float> logits = {2, -1, .5f, .4f, 1.5f, -2, 0, .3f};
  const Selection biased = Select(NoAuxTc(), logits, {-.5f, 0, .1f, .1f, 0, 0, .3f, -.2f});
  EXPECT_EQ(biased.ids, (std::vector<int32_t>{2, 6}));
  ExpectWeights(biased, {1.386374f, 1.113626f});
  const Selection unbiased = Select(NoAuxTc(), logits);
  EXPECT_EQ(unbiased.ids, (std::vector<int32_t>{0, 2}));
  ExpectWeights(unbiased, {1.464815f, 1.035185f});
}

// Item 11: an excluded group never wins over negative scores of a kept one.
TEST(GateTest, ExcludedGroupsAreMinusInfinity) {
  GateParams params = NoAuxTc();
  params.groups = 2;
  params.top_groups = 1;
  const Selection selection = Select(params, {0, 0, 0, 0, -3, -3, -3, -3}, {-1, -1.1f, -1.2f, -1.3f, -2, -2, -2, -2});
  EXPECT_EQ(selection.ids, (std::vector<int32_t>{0, 1}));
}

// Item 12.
TEST(GateTest, GreedySoftmax) {
  GateParams params;
  params.experts = 6;
  params.top_k = 2;
  params.scoring = GateScoring::kSoftmax;
  const std::vector<float> logits = {1, 2, 0, 3, -1, .5f};
  Selection selection = Select(params, logits);
  EXPECT_EQ(selection.ids, (std::vector<int32_t>{1, 3}));
  ExpectWeights(selection, {0.222498f, 0.604813f});
  params.scale = 16;
  ExpectWeights(Select(params, logits), {3.559975f, 9.677015f});
  params.scale = 1;
  params.groups = 3;
  params.top_groups = 2;
  params.group_score = GateGroups::kMax;
  selection = Select(params, logits);
  EXPECT_EQ(selection.ids, (std::vector<int32_t>{1, 3}));
}

TEST(GateTest, TiesGoToTheLowestIndex) {
  GateParams params;
  params.experts = 5;
  params.top_k = 3;
  const Selection selection = Select(params, {0, 1, 1, 1, 1});
  EXPECT_EQ(selection.ids, (std::vector<int32_t>{1, 2, 3}));
}

TEST(GateTest, NansStillGiveDistinctExperts) {
  GateParams params = NoAuxTc();
  const Selection selection = Select(params, std::vector<float>(8, NAN));
  EXPECT_EQ(std::set<int32_t>(selection.ids.begin(), selection.ids.end()).size(), 2u);
  for (const int32_t id : selection.ids) EXPECT_TRUE(id >= 0 && id < 8);
}

// Wherever it stands: neither kept because it comes first nor in the way of those behind it.
TEST(GateTest, ANanCountsAsMinusInfinity) {
  GateParams params;
  params.experts = 5;
  params.top_k = 2;
  EXPECT_EQ(Select(params, {NAN, -3, NAN, -2, NAN}).ids, (std::vector<int32_t>{1, 3}));
  const Selection selection = Select(params, {1, NAN, -INFINITY, NAN, NAN}, {0, 0, -INFINITY, 0, 0});
  EXPECT_EQ(selection.ids, (std::vector<int32_t>{0, 1}));
  EXPECT_TRUE(std::isnan(selection.weights[1]));
  // A group's score is of its numbers; infinities of both signs make none.
  params = NoAuxTc();
  EXPECT_EQ(Select(params, {NAN, 5, NAN, NAN, -4, -4, -3, -4}).ids, (std::vector<int32_t>{4, 6}));
  EXPECT_EQ(Select(params, std::vector<float>(8, 0), {INFINITY, -INFINITY, 0, 0, 0, 0, -1, -1}).ids, (std::vector<int32_t>{2, 3}));
}

TEST(GateTest, NormalizedWeightsSumToTheScale) {
  GateParams params;
  params.experts = 256;
  params.top_k = 8;
  params.groups = 8;
  params.top_groups = 4;
  params.group_score = GateGroups::kSumOfTopTwo;
  params.normalize = true;
  params.scale = 2.5f;
  std::vector<float> logits(256);
  for (int e = 0; e < 256; ++e) logits[e] = 3 * std::sin(static_cast<float>(e) * 12.9898f);
  const Selection selection = Select(params, logits);
  EXPECT_NEAR(std::accumulate(selection.weights.begin(), selection.weights.end(), 0.0f), 2.5f, 1e-5);
}

}  // namespace
}  // namespace baleen
