#include "model/cuda/slot_plan.h"

#include <gtest/gtest.h>

#include <array>
#include <vector>

namespace baleen {
namespace {

using Ints = std::vector<int32_t>;

TEST(SlotPlanTest, SortsByGroupAndKeepsTheOrderWithin) {
  std::array<std::byte, 4> in{};
  // Row 0 asks experts 5 and 1, row 1 expert 5, row 2 experts 1, 5 and 3.
  const std::vector<ExpertSlot> slots = {{5, &in[0], nullptr}, {1, &in[0], nullptr}, {5, &in[1], nullptr},
                                         {1, &in[2], nullptr}, {5, &in[2], nullptr}, {3, &in[2], nullptr}};
  const SlotPlan plan = PlanSlots(slots, {-1, 2, -1, 0, -1, 1}, 4);
  EXPECT_EQ(plan.group_rows, (Ints{0, 1, 4, 6, 6}));
  EXPECT_EQ(plan.used_groups, 3);
  EXPECT_EQ(plan.order, (Ints{5, 0, 2, 4, 1, 3}));
  EXPECT_EQ(plan.rows, (std::vector<const std::byte*>{&in[0], &in[1], &in[2]}));
  EXPECT_EQ(plan.top_k, 3);
  EXPECT_EQ(plan.slots, (Ints{1, 4, -1, 2, -1, -1, 5, 3, 0}));
}

TEST(SlotPlanTest, ARowOfManyExpertsIsSeveral) {
  std::byte in{};
  std::vector<ExpertSlot> slots;
  Ints groups;
  for (uint32_t expert = 0; expert < 150; ++expert) {
    slots.push_back({expert, &in, nullptr});
    groups.push_back(static_cast<int32_t>(149 - expert));
  }
  const SlotPlan plan = PlanSlots(slots, groups, 150);
  EXPECT_EQ(plan.rows, std::vector<const std::byte*>(3, &in));
  EXPECT_EQ(plan.top_k, 64);
  for (int32_t i = 0; i < 150; ++i) {
    EXPECT_EQ(plan.slots[static_cast<size_t>(i)], 149 - i);
    EXPECT_EQ(plan.order[static_cast<size_t>(i)], 149 - i);
  }
  for (size_t i = 150; i < plan.slots.size(); ++i) EXPECT_EQ(plan.slots[i], -1);
}

TEST(SlotPlanTest, OutputsThatLieTogetherAreOneRun) {
  std::array<std::byte, 64> out{};
  const std::vector<ExpertSlot> slots = {{0, nullptr, &out[0]}, {0, nullptr, &out[8]}, {0, nullptr, &out[32]}, {0, nullptr, &out[24]}};
  const std::vector<OutputRun> runs = OutputRuns(slots, 8);
  ASSERT_EQ(runs.size(), 3u);
  EXPECT_EQ(runs[0].count, 2);
  EXPECT_EQ(runs[1].first, 2);
  EXPECT_EQ(runs[2].first, 3);
  EXPECT_TRUE(OutputRuns({}, 8).empty());
}

}  // namespace
}  // namespace baleen
