#include "model/sampling/logit_adjustments.h"

#include "gtest/gtest.h"

namespace baleen {
namespace {

std::vector<float> Adjusted(const LogitAdjustments& adjustments, std::vector<float> logits, const std::vector<int32_t>& tokens,
                            int64_t prompt_tokens) {
  AdjustLogits(adjustments, tokens, prompt_tokens, absl::MakeSpan(logits));
  return logits;
}

TEST(AdjustLogitsTest, BiasIsAddedAndUnknownIdsAreIgnored) {
  LogitAdjustments adjustments;
  adjustments.bias = {{1, -100}, {0, 2.5f}, {9, 5}, {-1, 5}};
  EXPECT_EQ(Adjusted(adjustments, {1, 2, 3}, {}, 0), (std::vector<float>{3.5f, -98, 3}));
}

TEST(AdjustLogitsTest, FrequencyAndPresenceCountTheAnswerOnly) {
  LogitAdjustments adjustments;
  adjustments.frequency_penalty = 0.5f;
  adjustments.presence_penalty = 0.25f;
  EXPECT_EQ(Adjusted(adjustments, {1, 1, 1, 1}, {3, 3, 0, 1, 1}, 2), (std::vector<float>{0.25f, -0.25f, 1, 1}));
}

TEST(AdjustLogitsTest, RepetitionCountsThePromptToo) {
  LogitAdjustments adjustments;
  adjustments.repetition_penalty = 2;
  EXPECT_EQ(Adjusted(adjustments, {4, -4, 4, 0}, {0, 0, 1}, 1), (std::vector<float>{2, -8, 4, 0}));
}

TEST(AdjustLogitsTest, IdsBeyondTheLogitsDoNoHarm) {
  LogitAdjustments adjustments;
  adjustments.frequency_penalty = 1;
  adjustments.repetition_penalty = 2;
  EXPECT_EQ(Adjusted(adjustments, {4}, {7, -2}, 0), (std::vector<float>{4}));
}

TEST(AdjustLogitsTest, NothingAskedForIsNothingDone) { EXPECT_FALSE(LogitAdjustments().any()); }

}  // namespace
}  // namespace baleen
