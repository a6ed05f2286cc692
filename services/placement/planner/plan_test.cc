#include "services/placement/planner/plan.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <random>
#include <set>

#include "absl/strings/str_cat.h"

namespace baleen {
namespace {

PlanInput Input(uint32_t experts, uint32_t shards, uint32_t replicas) {
  PlanInput input;
  input.shape = {.first_moe_layer = 1, .moe_layers = 2, .experts = experts};
  input.shards.resize(shards);
  input.replicas = replicas;
  return input;
}

// The next plan's input after `plan` was carried out.
PlanInput After(PlanInput input, const Plan& plan) {
  for (size_t shard = 0; shard < input.shards.size(); ++shard) input.shards[shard].current = shard < plan.size() ? plan[shard] : Holdings();
  return input;
}

size_t CountLoads(const PlanInput& input, const Plan& plan) {
  size_t loads = 0;
  for (size_t shard = 0; shard < plan.size(); ++shard) loads += CountExperts(Difference(plan[shard], input.shards[shard].current));
  return loads;
}

std::vector<size_t> Holders(const Plan& plan, uint32_t layer, uint32_t expert) {
  std::vector<size_t> holders;
  for (size_t shard = 0; shard < plan.size(); ++shard) {
    if (Holds(plan[shard], layer, expert)) holders.push_back(shard);
  }
  return holders;
}

// Every expert on as many shards as replicas ask for, in as many domains as there are.
void ExpectSafe(const PlanInput& input, const Plan& plan) {
  ASSERT_EQ(plan.size(), input.shards.size());
  std::set<std::string> all;
  for (size_t i = 0; i < input.shards.size(); ++i) {
    all.insert(input.shards[i].failure_domain.empty() ? absl::StrCat("#", i) : input.shards[i].failure_domain);
  }
  const size_t replicas = std::min<size_t>(input.replicas, input.shards.size());
  for (uint32_t layer = 1; layer < 3; ++layer) {
    for (uint32_t expert = 0; expert < input.shape.experts; ++expert) {
      const std::vector<size_t> holders = Holders(plan, layer, expert);
      std::set<std::string> domains;
      for (const size_t shard : holders) {
        const std::string& domain = input.shards[shard].failure_domain;
        domains.insert(domain.empty() ? absl::StrCat("#", shard) : domain);
      }
      ASSERT_GE(holders.size(), replicas) << "layer " << layer << " expert " << expert;
      // With fewer domains than replicas some hold two; the loss of one never takes all.
      ASSERT_GE(domains.size(), replicas <= all.size() ? replicas : std::min<size_t>(2, all.size())) << layer << " " << expert;
    }
  }
}

ExpertLoads RandomLoads(std::mt19937& random, uint32_t experts) {
  ExpertLoads loads(2, std::vector<double>(experts));
  for (auto& layer : loads) {
    for (double& load : layer) load = std::exponential_distribution<double>(0.01)(random);
  }
  return loads;
}

TEST(PlanTest, TwoShardsHalveTheExperts) {
  const Plan plan = PlanExperts(Input(8, 2, 1)).value();
  EXPECT_EQ(CountExperts(plan[0]), 8u);
  EXPECT_EQ(CountExperts(plan[1]), 8u);
  EXPECT_TRUE(Intersection(plan[0], plan[1]).empty());
}

TEST(PlanTest, AnyNumbersHaveASafeAndStablePlan) {
  for (uint32_t seed = 0; seed < 300; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    PlanInput input = Input(1 + random() % 70, 1 + random() % 13, 1 + random() % 4);
    const uint32_t domains = 1 + random() % 6;
    for (PlanShard& shard : input.shards) {
      if (domains < 6) shard.failure_domain = absl::StrCat("rack-", random() % domains);
    }
    input.extra_slots = random() % 4;
    if (random() % 2 == 0) input.loads = RandomLoads(random, input.shape.experts);
    const Plan plan = PlanExperts(input).value();
    ExpectSafe(input, plan);
    EXPECT_EQ(PlanExperts(input).value(), plan);
    EXPECT_EQ(PlanExperts(After(input, plan)).value(), plan) << "nothing changed, so nothing moves";
  }
}

TEST(PlanTest, SafeAfterAnyChangeOfShardsAndLoads) {
  for (uint32_t seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    PlanInput input = Input(1 + random() % 50, 1 + random() % 9, 1 + random() % 3);
    for (int change = 0; change < 6; ++change) {
      const Plan plan = PlanExperts(input).value();
      ExpectSafe(input, plan);
      input = After(input, plan);
      if (random() % 2 == 0) input.loads = RandomLoads(random, input.shape.experts);
      if (random() % 2 == 0) input.shards.push_back({absl::StrCat("rack-", random() % 3), {}});
      if (input.shards.size() > 1 && random() % 2 == 0) input.shards.erase(input.shards.begin() + random() % input.shards.size());
    }
  }
}

TEST(PlanTest, GrowingMovesOnlyWhatTheNewShardsTake) {
  for (const uint32_t shards : {1u, 2u, 3u, 5u}) {
    SCOPED_TRACE(shards);
    const PlanInput before = Input(60, shards, 1);
    PlanInput after = After(before, PlanExperts(before).value());
    after.shards.resize(2 * shards);
    const Plan plan = PlanExperts(after).value();
    EXPECT_EQ(CountLoads(after, plan), 2u * 60 / 2) << "half of each layer's experts go to the new half of the shards";
    for (uint32_t shard = 0; shard < shards; ++shard) EXPECT_TRUE(Difference(plan[shard], after.shards[shard].current).empty());
  }
}

TEST(PlanTest, ShrinkingMovesOnlyWhatTheLeavingShardsHeld) {
  const PlanInput before = Input(60, 4, 1);
  PlanInput after = After(before, PlanExperts(before).value());
  after.shards.resize(2);
  EXPECT_EQ(CountLoads(after, PlanExperts(after).value()), 2u * 30);
}

TEST(PlanTest, ALostShardMovesLittleOfALargeCluster) {
  PlanInput before = Input(256, 64, 1);
  before.extra_slots = 2;
  PlanInput after = After(before, PlanExperts(before).value());
  const size_t held = CountExperts(after.shards.back().current);
  after.shards.pop_back();
  EXPECT_LE(CountLoads(after, PlanExperts(after).value()), 2u * 63 + 10 * held) << "63 shards fill a slot more a layer";
}

TEST(PlanTest, CopiesLieInDistinctDomains) {
  PlanInput input = Input(16, 4, 2);
  for (size_t i = 0; i < 4; ++i) input.shards[i].failure_domain = i < 3 ? "big" : "small";
  const Plan plan = PlanExperts(input).value();
  ExpectSafe(input, plan);
  EXPECT_EQ(CountExperts(plan[3]), 2u * 16) << "the small domain's only shard has a copy of each";
}

TEST(PlanTest, AHotExpertGetsCopiesAndTheLoadEvensOut) {
  PlanInput input = Input(16, 4, 1);
  const Plan even = PlanExperts(input).value();
  input = After(input, even);
  input.extra_slots = 2;
  input.loads.assign(2, std::vector<double>(16, 10.0));
  input.loads[0][5] = 1000;
  const Plan plan = PlanExperts(input).value();
  EXPECT_EQ(Holders(plan, 1, 5).size(), 4u);
  EXPECT_LT(Imbalance(input.shape, input.loads, plan), 1.2);
  EXPECT_GT(Imbalance(input.shape, input.loads, even), 2.5);
}

TEST(PlanTest, ReplicasLeaveRoomForHotExperts) {
  PlanInput input = Input(256, 16, 2);
  for (size_t i = 0; i < 16; ++i) input.shards[i].failure_domain = i < 8 ? "a" : "b";
  input.extra_slots = 2;
  input = After(input, PlanExperts(input).value());
  input.loads.assign(2, std::vector<double>(256));
  for (uint32_t expert = 0; expert < 256; ++expert) input.loads[0][expert] = input.loads[1][255 - expert] = 1000.0 / (1 + expert);
  const Plan plan = PlanExperts(input).value();
  ExpectSafe(input, plan);
  EXPECT_LT(Imbalance(input.shape, input.loads, plan), 1.2);
  EXPECT_LT(CountLoads(input, plan), 2u * 128) << "of 2 * 544 copies";
}

TEST(PlanTest, NeverMuchMoreUnevenThanAFreshPlan) {
  for (uint32_t seed = 0; seed < 100; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    PlanInput fresh = Input(64, 2 + random() % 6, 1 + random() % 2);
    fresh.extra_slots = random() % 3;
    const PlanInput stale = After(fresh, PlanExperts(fresh).value());
    PlanInput input = stale;
    input.loads = fresh.loads = RandomLoads(random, 64);
    const double limit = 1.05 * Imbalance(input.shape, input.loads, PlanExperts(fresh).value()) + 1e-6;
    const Plan plan = PlanExperts(input).value();
    EXPECT_LE(Imbalance(input.shape, input.loads, plan), limit);
  }
}

TEST(PlanTest, GroupsStayTogetherInADomainWhereTheyDivide) {
  PlanInput input = Input(16, 4, 1);
  input.shape.groups = 4;
  for (size_t i = 0; i < 4; ++i) input.shards[i].failure_domain = i % 2 == 0 ? "a" : "b";
  const Plan plan = PlanExperts(input).value();
  for (uint32_t group = 0; group < 4; ++group) {
    std::set<std::string> domains;
    for (uint32_t expert = group * 4; expert < group * 4 + 4; ++expert) {
      domains.insert(input.shards[Holders(plan, 1, expert).at(0)].failure_domain);
    }
    EXPECT_EQ(domains.size(), 1u) << "group " << group;
  }
}

TEST(PlanTest, RefusesWhatCannotBePlanned) {
  PlanInput odd_loads = Input(4, 2, 1);
  odd_loads.loads = {{1, 2, 3, 4}};
  PlanInput not_a_number = Input(1, 1, 1);
  not_a_number.loads.assign(2, {std::numeric_limits<double>::quiet_NaN()});
  for (const PlanInput& input : {Input(0, 1, 1), Input(4, 0, 1), Input(4, 2, 0), Input(1u << 30, 2, 1), odd_loads, not_a_number}) {
    EXPECT_EQ(PlanExperts(input).status().code(), absl::StatusCode::kInvalidArgument);
  }
}

}  // namespace
}  // namespace baleen
