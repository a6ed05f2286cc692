#include "model/sampling/sampler.h"

#include <cmath>
#include <limits>
#include <set>

#include "gtest/gtest.h"

namespace baleen {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

SamplerParams Hot(float temperature, float top_p = 1, int top_k = 0) {
  SamplerParams params;
  params.temperature = temperature;
  params.top_p = top_p;
  params.top_k = top_k;
  params.seed = 0x5eedc0ffee;
  return params;
}

int32_t SampleAll(const SamplerParams& params, const std::vector<float>& logits, int64_t position = 0) {
  return Sample(params, logits, static_cast<int64_t>(logits.size()), {}, position).token;
}

std::set<int32_t> Support(const SamplerParams& params, const std::vector<float>& logits) {
  std::set<int32_t> seen;
  for (int64_t position = 0; position < 2000; ++position) seen.insert(SampleAll(params, logits, position));
  return seen;
}

TEST(SamplerTest, GreedyTakesTheLowestIdOfTies) {
  EXPECT_EQ(SampleAll({}, {1, 3, 2, 3}), 1);
  EXPECT_EQ(SampleAll({}, {0, 0, 0}), 0);
  EXPECT_EQ(SampleAll({}, {-kInfinity, -kInfinity}), 0);
  EXPECT_EQ(SampleAll({}, {NAN, -5, NAN}), 1);
  EXPECT_EQ(SampleAll({}, {1, kInfinity, kInfinity}), 1);
}

TEST(SamplerTest, PaddingAndBannedIdsAreNeverChosen) {
  const std::vector<float> logits = {1, 5, 4, 9};
  const std::vector<int32_t> banned = {7, 1, 1, -3};
  EXPECT_EQ(Sample({}, logits, 3, {}, 0).token, 1);
  EXPECT_EQ(Sample({}, logits, 3, banned, 0).token, 2);
  for (int64_t position = 0; position < 500; ++position) {
    const int32_t token = Sample(Hot(5), logits, 3, banned, position).token;
    EXPECT_TRUE(token == 0 || token == 2) << token;
  }
  const std::vector<int32_t> all = {0, 1, 2};
  EXPECT_EQ(Sample({}, logits, 3, all, 0).token, -1);
  EXPECT_EQ(Sample(Hot(1), {}, 3, {}, 0).token, -1);
}

TEST(SamplerTest, TopKKeepsTheLikeliestLowestIdOnTies) {
  EXPECT_EQ(Support(Hot(10, 1, 2), {1, 3, 2, 2, 0}), (std::set<int32_t>{1, 2}));
  EXPECT_EQ(Support(Hot(10, 1, 1), {2, 2, 2}), (std::set<int32_t>{0}));
  EXPECT_EQ(Support(Hot(10, 1, 9), {2, 2, 2}), (std::set<int32_t>{0, 1, 2}));
}

TEST(SamplerTest, TopPKeepsTheFewestThatReachIt) {
  // Probabilities 0.5, 0.25, 0.125, 0.125.
  const std::vector<float> logits = {std::log(1.f), std::log(4.f), std::log(2.f), std::log(1.f)};
  EXPECT_EQ(Support(Hot(1, 0.3f), logits), (std::set<int32_t>{1}));
  EXPECT_EQ(Support(Hot(1, 0.7f), logits), (std::set<int32_t>{1, 2}));
  EXPECT_EQ(Support(Hot(1, 0.8f), logits), (std::set<int32_t>{0, 1, 2}));
  EXPECT_EQ(Support(Hot(1, 0.95f), logits), (std::set<int32_t>{0, 1, 2, 3}));
  EXPECT_EQ(Support(Hot(1, 0), logits), (std::set<int32_t>{1}));
  // After top-k the share is of what is left: 2/3 for the first of two.
  EXPECT_EQ(Support(Hot(1, 0.66f, 2), logits), (std::set<int32_t>{1}));
}

TEST(SamplerTest, ImpossibleIdsAreNotDrawn) {
  EXPECT_EQ(Support(Hot(1), {-kInfinity, 1, NAN, 1}), (std::set<int32_t>{1, 3}));
  EXPECT_EQ(Support(Hot(1e-6f), {0, 0.5f, 1}), (std::set<int32_t>{2}));
}

// Pearson's statistic against the exact probabilities; 5 degrees of freedom, 20.5 is the 99.9th percentile.
TEST(SamplerTest, DrawsFollowTheDistribution) {
  const std::vector<float> logits = {0, 1, -1, 2, 0.5f, -2};
  constexpr int kDraws = 60000;
  for (const float temperature : {0.6f, 1.0f, 2.0f}) {
    std::vector<double> probability(logits.size());
    double total = 0;
    for (size_t i = 0; i < logits.size(); ++i) total += probability[i] = std::exp(static_cast<double>(logits[i]) / temperature);
    std::vector<int> count(logits.size());
    for (int64_t position = 0; position < kDraws; ++position) ++count[static_cast<size_t>(SampleAll(Hot(temperature), logits, position))];
    double statistic = 0;
    for (size_t i = 0; i < logits.size(); ++i) {
      const double expected = probability[i] / total * kDraws;
      statistic += (count[i] - expected) * (count[i] - expected) / expected;
    }
    EXPECT_LT(statistic, 20.5) << temperature;
  }
}

TEST(SamplerTest, TheTokenIsAFunctionOfSeedChoiceAndPosition) {
  const std::vector<float> logits(64, 0.f);
  SamplerParams params = Hot(1), other_choice = params, other_seed = params;
  other_choice.choice = 1;
  other_seed.seed += 1;
  int choice_differs = 0, seed_differs = 0;
  for (int64_t position = 100; position < 200; ++position) {
    const int32_t token = SampleAll(params, logits, position);
    EXPECT_EQ(SampleAll(params, logits, position), token);
    choice_differs += SampleAll(other_choice, logits, position) != token;
    seed_differs += SampleAll(other_seed, logits, position) != token;
  }
  EXPECT_GT(choice_differs, 80);
  EXPECT_GT(seed_differs, 80);
}

TEST(SamplerTest, LogprobsAreOfTheUnmodifiedDistribution) {
  const std::vector<float> logits = {std::log(2.f), std::log(5.f), std::log(2.f), std::log(1.f), 50};
  SamplerParams params = Hot(0.1f, 0.5f, 1);
  params.logprobs = 3;
  const std::vector<int32_t> banned = {1};
  const SampledToken result = Sample(params, logits, 4, banned, 0);
  EXPECT_EQ(result.token, 0);
  EXPECT_NEAR(result.logprob, std::log(0.2), 1e-6);
  ASSERT_EQ(result.top.size(), 3u);
  EXPECT_EQ(result.top[0].first, 1);
  EXPECT_NEAR(result.top[0].second, std::log(0.5), 1e-6);
  EXPECT_EQ(result.top[1].first, 0);
  EXPECT_EQ(result.top[2].first, 2);
}

TEST(SamplerTest, LogprobsOnlyWhenAsked) {
  const std::vector<float> logits = {1, 2};
  SamplerParams params;
  EXPECT_TRUE(Sample(params, logits, 2, {}, 0).top.empty());
  EXPECT_EQ(Sample(params, logits, 2, {}, 0).logprob, 0);
  params.logprobs = 0;
  const SampledToken chosen = Sample(params, logits, 2, {}, 0);
  EXPECT_TRUE(chosen.top.empty());
  EXPECT_NEAR(chosen.logprob, -0.3132617, 1e-6);
  params.logprobs = 20;
  EXPECT_EQ(Sample(params, logits, 2, {}, 0).top.size(), 2u);
}

TEST(SamplerTest, MinPKeepsWhatIsNearTheLikeliest) {
  // Probabilities 0.5, 0.25, 0.125, 0.125.
  const std::vector<float> logits = {std::log(4.f), std::log(2.f), std::log(1.f), std::log(1.f)};
  SamplerParams params = Hot(1);
  params.min_p = 0.6f;
  EXPECT_EQ(Support(params, logits), (std::set<int32_t>{0}));
  params.min_p = 0.4f;
  EXPECT_EQ(Support(params, logits), (std::set<int32_t>{0, 1}));
  // The share that top-p counts is of what min-p left: 2/3 for the first of two.
  params.top_p = 0.66f;
  EXPECT_EQ(Support(params, logits), (std::set<int32_t>{0}));
  params.min_p = 1;
  EXPECT_EQ(Support(params, logits), (std::set<int32_t>{0}));
}

TEST(SamplerTest, AMaskLeavesOnlyItsIds) {
  const std::vector<float> logits = {9, 1, 2, 8};
  TokenMask mask(4);
  SampleContext context;
  context.allowed = &mask;
  EXPECT_EQ(Sample({}, logits, 4, {}, 0, context).token, -1);
  mask.Set(1);
  mask.Set(2);
  EXPECT_EQ(Sample({}, logits, 4, {}, 0, context).token, 2);
  const std::vector<int32_t> banned = {2};
  EXPECT_EQ(Sample({}, logits, 4, banned, 0, context).token, 1);
}

TEST(SamplerTest, AdjustmentsMoveTheChoiceButNotTheLogprobs) {
  const std::vector<float> logits = {2, 1.5f, 0};
  const std::vector<int32_t> tokens = {2, 0, 0};
  SamplerParams params;
  params.logprobs = 0;
  params.adjustments.frequency_penalty = 0.5f;
  SampleContext context;
  context.tokens = tokens;
  context.prompt_tokens = 1;
  const SampledToken chosen = Sample(params, logits, 3, {}, 3, context);
  EXPECT_EQ(chosen.token, 1);
  const double total = std::exp(2.0) + std::exp(1.5) + 1;
  EXPECT_NEAR(chosen.logprob, 1.5 - std::log(total), 1e-6);
}

}  // namespace
}  // namespace baleen
