#include "services/placement/planner/plan.h"

#include <gtest/gtest.h>

#include <random>
#include <set>

#include "services/placement/planner/slot_choice.h"

namespace baleen {
namespace {

PlanInput Input(uint32_t experts, uint32_t shards, uint32_t replicas) {
  return {.shape = {.first_moe_layer = 1, .moe_layers = 3, .experts = experts}, .shards = shards, .replicas = replicas, .loads = {}};
}

TEST(PlanEvenlyTest, TwoShardsHalveTheExperts) {
  const Plan plan = PlanEvenly(Input(4, 2, 1)).value();
  ASSERT_EQ(plan.size(), 2u);
  ASSERT_EQ(plan[0].size(), 3u);
  EXPECT_EQ(plan[0][0], (LayerExperts{1, {0, 1}}));
  EXPECT_EQ(plan[1][2], (LayerExperts{3, {2, 3}}));
}

TEST(PlanEvenlyTest, EveryExpertHasItsCopiesOnDistinctShardsAndSizesAreEven) {
  std::mt19937 random(20260101);
  for (int round = 0; round < 300; ++round) {
    const uint32_t experts = 1 + random() % 300;
    const uint32_t shards = 1 + random() % std::min(experts, 40u);
    const uint32_t replicas = 1 + random() % shards;
    SCOPED_TRACE(testing::Message() << experts << " experts, " << shards << " shards, " << replicas << " replicas");
    const Plan plan = PlanEvenly(Input(experts, shards, replicas)).value();
    EXPECT_EQ(plan, PlanEvenly(Input(experts, shards, replicas)).value());
    std::vector<uint32_t> copies(experts);
    size_t smallest = experts, largest = 0;
    for (const auto& slot : plan) {
      const auto& held = slot[1].experts;
      EXPECT_EQ(std::set<uint32_t>(held.begin(), held.end()).size(), held.size());
      for (uint32_t expert : held) ++copies.at(expert);
      smallest = std::min(smallest, held.size());
      largest = std::max(largest, held.size());
    }
    EXPECT_EQ(copies, std::vector<uint32_t>(experts, replicas));
    EXPECT_LE(largest - smallest, replicas);
  }
}

TEST(PlanEvenlyTest, RefusesWhatCannotBePlanned) {
  for (const PlanInput& input : {Input(0, 1, 1), Input(4, 0, 1), Input(4, 5, 1), Input(4, 2, 0), Input(4, 2, 3), Input(1u << 30, 2, 1)}) {
    EXPECT_EQ(PlanEvenly(input).status().code(), absl::StatusCode::kInvalidArgument);
  }
  PlanInput odd_loads = Input(4, 2, 1);
  odd_loads.loads = {{1, 2, 3, 4}};
  EXPECT_EQ(PlanEvenly(odd_loads).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(ChooseSlotTest, ByArrivalThenWhatIsLoaded) {
  const Plan plan = PlanEvenly(Input(8, 4, 1)).value();
  std::vector<SlotHolder> holders(4);
  EXPECT_EQ(ChooseSlot(plan, holders, {}, ""), 0u);
  holders[0].taken = true;
  EXPECT_EQ(ChooseSlot(plan, holders, {}, ""), 1u);
  EXPECT_EQ(ChooseSlot(plan, holders, plan[3], ""), 3u);
  for (auto& holder : holders) holder.taken = true;
  EXPECT_EQ(ChooseSlot(plan, holders, {}, ""), std::nullopt);
}

TEST(ChooseSlotTest, KeepsCopiesOutOfOneDomain) {
  const Plan plan = PlanEvenly(Input(8, 4, 2)).value();  // Neighbours share a block.
  std::vector<SlotHolder> holders(4);
  holders[0] = {true, "rack-a"};
  EXPECT_EQ(ChooseSlot(plan, holders, {}, "rack-a"), 2u);
  EXPECT_EQ(ChooseSlot(plan, holders, {}, "rack-b"), 1u);
}

}  // namespace
}  // namespace baleen
