#include "model/sampling/plain_choice.h"

#include <vector>

#include "gtest/gtest.h"
#include "model/sampling/philox.h"

namespace baleen {
namespace {

TEST(PlainChoiceTest, IsWhatSampleLooksAt) {
  SamplerParams params;
  params.temperature = 0.7f;
  params.top_p = 0.9f;
  params.min_p = 0.1f;
  params.top_k = 5;
  params.seed = 3;
  params.choice = 2;
  const std::vector<int32_t> banned = {4};
  const std::optional<PlainChoice> choice = PlainChoiceOf(params, banned, 11);
  ASSERT_TRUE(choice.has_value());
  EXPECT_EQ(choice->temperature, 0.7f);
  EXPECT_EQ(choice->top_p, 0.9f);
  EXPECT_EQ(choice->min_p, 0.1f);
  EXPECT_EQ(choice->top_k, 5);
  EXPECT_EQ(choice->uniform, PhiloxUniform(3, 2, 11));
  EXPECT_EQ(choice->banned, absl::MakeConstSpan(banned));
}

TEST(PlainChoiceTest, MoreThanARowOfLogitsIsNotPlain) {
  SamplerParams reports;
  reports.logprobs = 0;
  EXPECT_FALSE(PlainChoiceOf(reports, {}, 0).has_value());
  SamplerParams adjusts;
  adjusts.adjustments.presence_penalty = 0.5f;
  EXPECT_FALSE(PlainChoiceOf(adjusts, {}, 0).has_value());
  EXPECT_TRUE(PlainChoiceOf({}, {}, 0).has_value());
}

}  // namespace
}  // namespace baleen
