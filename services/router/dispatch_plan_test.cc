#include "services/router/dispatch_plan.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <random>
#include <set>

namespace baleen {
namespace {

struct Case {
  int rows, top_k, experts, shards;
  std::vector<int32_t> ids;
  std::vector<std::vector<int>> replicas;
  std::vector<int64_t> slots;
  DispatchInput input;
};

std::unique_ptr<Case> MakeCase(uint32_t seed) {
  std::mt19937 random(seed);
  auto c = std::make_unique<Case>();
  c->rows = 1 + random() % 40;
  c->experts = 4 + random() % 60;
  c->top_k = 1 + random() % std::min(8, c->experts);
  c->shards = 1 + random() % 6;
  for (int expert = 0; expert < c->experts; ++expert) {
    std::vector<int> holders;
    for (int shard = 0; shard < c->shards; ++shard) {
      if (random() % 2 == 0) holders.push_back(shard);
    }
    c->replicas.push_back(holders);
  }
  std::vector<int32_t> all(c->experts);
  std::iota(all.begin(), all.end(), 0);
  for (int row = 0; row < c->rows; ++row) {
    std::shuffle(all.begin(), all.end(), random);
    std::sort(all.begin(), all.begin() + c->top_k);
    c->ids.insert(c->ids.end(), all.begin(), all.begin() + c->top_k);
  }
  for (int64_t slot = 0; slot < c->rows * c->top_k; ++slot) {
    if (random() % 5 != 0) c->slots.push_back(slot);
  }
  c->input.top_k = c->top_k;
  c->input.expert_ids = c->ids.data();
  c->input.slots = c->slots;
  c->input.replicas = [raw = c.get()](int32_t expert, std::vector<int>* shards) { *shards = raw->replicas[expert]; };
  for (int shard = 0; shard < c->shards; ++shard) c->input.load.push_back(random() % 30);
  c->input.max_call_slots = c->top_k + random() % 100;
  return c;
}

class DispatchPlanTest : public ::testing::TestWithParam<uint32_t> {};

TEST_P(DispatchPlanTest, EverySlotOnceOnAHolderOrParked) {
  const auto c = MakeCase(GetParam());
  const DispatchPlan plan = PlanDispatch(c->input);
  std::vector<int64_t> seen = plan.parked;
  for (const int64_t slot : plan.parked) EXPECT_TRUE(c->replicas[c->ids[slot]].empty());
  for (const ShardCall& call : plan.calls) {
    ASSERT_EQ(call.rows.size(), call.experts_per_row.size());
    ASSERT_EQ(call.slots.size(), call.expert_ids.size());
    EXPECT_LE(static_cast<int64_t>(call.slots.size()), c->input.max_call_slots);
    size_t at = 0;
    for (size_t r = 0; r < call.rows.size(); ++r) {
      EXPECT_GT(call.experts_per_row[r], 0u);
      for (uint32_t k = 0; k < call.experts_per_row[r]; ++k, ++at) {
        ASSERT_LT(at, call.slots.size());
        EXPECT_EQ(call.slots[at] / c->top_k, call.rows[r]);
        EXPECT_EQ(static_cast<uint32_t>(c->ids[call.slots[at]]), call.expert_ids[at]);
        const std::vector<int>& holders = c->replicas[call.expert_ids[at]];
        EXPECT_NE(std::find(holders.begin(), holders.end(), call.shard), holders.end());
      }
    }
    EXPECT_EQ(at, call.slots.size());
    seen.insert(seen.end(), call.slots.begin(), call.slots.end());
  }
  std::sort(seen.begin(), seen.end());
  EXPECT_EQ(seen, c->slots);
}

TEST_P(DispatchPlanTest, ARowGoesToAShardOnce) {
  const auto c = MakeCase(GetParam());
  std::set<std::pair<int, int64_t>> sent;
  for (const ShardCall& call : PlanDispatch(c->input).calls) {
    for (const int64_t row : call.rows) EXPECT_TRUE(sent.emplace(call.shard, row).second);
  }
}

TEST_P(DispatchPlanTest, OneReplicaPerExpertAndDeterministic) {
  const auto c = MakeCase(GetParam());
  const DispatchPlan plan = PlanDispatch(c->input);
  const DispatchPlan again = PlanDispatch(c->input);
  ASSERT_EQ(plan.calls.size(), again.calls.size());
  std::vector<int> shard_of(c->experts, -1);
  for (size_t i = 0; i < plan.calls.size(); ++i) {
    EXPECT_EQ(plan.calls[i].slots, again.calls[i].slots);
    for (const uint32_t expert : plan.calls[i].expert_ids) {
      if (shard_of[expert] == -1) shard_of[expert] = plan.calls[i].shard;
      EXPECT_EQ(shard_of[expert], plan.calls[i].shard);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, DispatchPlanTest, ::testing::Range(0u, 60u));

TEST(DispatchPlanChoiceTest, LeastLoadThenLowestIndex) {
  const std::vector<int32_t> ids = {3, 3, 3};
  const std::vector<int64_t> slots = {0, 1, 2};
  DispatchInput input;
  input.top_k = 1;
  input.expert_ids = ids.data();
  input.slots = slots;
  input.replicas = [](int32_t, std::vector<int>* shards) { *shards = {0, 1, 2}; };
  input.max_call_slots = 10;
  input.load = {5, 2, 2};
  EXPECT_EQ(PlanDispatch(input).calls.at(0).shard, 1);
  input.load = {0, 0, 0};
  EXPECT_EQ(PlanDispatch(input).calls.at(0).shard, 0);
}

TEST(DispatchPlanChoiceTest, ASlowShardGetsLess) {
  std::vector<int32_t> ids;
  std::vector<int64_t> slots;
  for (int i = 0; i < 40; ++i) ids.push_back(i), slots.push_back(i);
  DispatchInput input;
  input.top_k = 40;
  input.expert_ids = ids.data();
  input.slots = slots;
  input.replicas = [](int32_t, std::vector<int>* shards) { *shards = {0, 1}; };
  input.max_call_slots = 40;
  input.load = {0, 0};
  input.slot_cost = {3, 1};
  const DispatchPlan plan = PlanDispatch(input);
  ASSERT_EQ(plan.calls.size(), 2u);
  EXPECT_EQ(plan.calls[0].slots.size(), 10u);
  EXPECT_EQ(plan.calls[1].slots.size(), 30u);
}

TEST(DispatchPlanChoiceTest, SpreadsExpertsOverReplicas) {
  const std::vector<int32_t> ids = {0, 1, 2, 3};
  const std::vector<int64_t> slots = {0, 1, 2, 3};
  DispatchInput input;
  input.top_k = 4;
  input.expert_ids = ids.data();
  input.slots = slots;
  input.replicas = [](int32_t, std::vector<int>* shards) { *shards = {0, 1}; };
  input.max_call_slots = 10;
  input.load = {0, 0};
  const DispatchPlan plan = PlanDispatch(input);
  ASSERT_EQ(plan.calls.size(), 2u);
  EXPECT_EQ(plan.calls[0].slots.size(), 2u);
  EXPECT_EQ(plan.calls[1].slots.size(), 2u);
}

}  // namespace
}  // namespace baleen
