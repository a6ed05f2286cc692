#include "services/attention/engine/draft_plan.h"

#include "gtest/gtest.h"

namespace baleen {
namespace {

TEST(DraftPlanTest, LaysRowsOutFlat) {
  const std::vector<BlockId> blocks = {4};
  const std::vector<int32_t> first = {7, 8, 9};
  const std::vector<int32_t> second = {5};
  const auto plan = PlanDrafts({{blocks, 0, 10, first, true}, {blocks, 5, 20, second, false}}, 6);
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_EQ(plan->hidden_rows, (std::vector<int64_t>{0, 1, 2, 5}));
  EXPECT_EQ(plan->guesses, (std::vector<int64_t>{2}));
  ASSERT_EQ(plan->steps.size(), 2u);
  EXPECT_EQ(plan->steps[0].first_position, 10);
  EXPECT_EQ(plan->steps[0].logits_count, 0);
  ASSERT_EQ(plan->guess_steps.size(), 1u);
  EXPECT_EQ(plan->guess_steps[0].first_position, 12);
  EXPECT_EQ(plan->guess_steps[0].tokens, absl::MakeConstSpan(first).last(1));
  EXPECT_EQ(plan->guess_steps[0].logits_count, 1);
}

TEST(DraftPlanTest, RefusesRowsThatTheStepDidNotHave) {
  const std::vector<int32_t> two = {7, 8};
  EXPECT_EQ(PlanDrafts({{{}, 3, 0, two, false}}, 4).status().message(), "a draft of rows 3 .. +2 after a step of 4");
  EXPECT_FALSE(PlanDrafts({{{}, 1, 0, two, false}, {{}, 2, 0, two, false}}, 9).ok());
  EXPECT_FALSE(PlanDrafts({{{}, 0, 0, {}, true}}, 9).ok());
  EXPECT_TRUE(PlanDrafts({}, 0).ok());
}

}  // namespace
}  // namespace baleen
