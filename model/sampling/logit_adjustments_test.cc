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

TEST(AdjustLogitsTest, KeptCountsChangeNothing) {
  LogitAdjustments adjustments;
  adjustments.repetition_penalty = 1.3f;
  adjustments.frequency_penalty = 0.7f;
  adjustments.presence_penalty = 0.2f;
  const std::vector<float> logits = {4, -4, 3.3f, 0.1f, 2};
  TokenCounts counts;
  for (const std::vector<int32_t>& tokens : std::vector<std::vector<int32_t>>{{0, 0, 1}, {0, 0, 1, 2, 2}, {0, 0, 1, 3}, {4}}) {
    std::vector<float> adjusted = logits;
    AdjustLogits(adjustments, tokens, 1, absl::MakeSpan(adjusted), &counts);
    EXPECT_EQ(adjusted, Adjusted(adjustments, logits, tokens, 1));
  }
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
