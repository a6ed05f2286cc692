#include "services/placement/assignments.h"

#include <gtest/gtest.h>

#include <random>
#include <set>

#include "absl/strings/str_cat.h"

namespace baleen {
namespace {

constexpr ModelShape kShape{.first_moe_layer = 1, .moe_layers = 2, .experts = 12};
constexpr ModelShape kDeep{.first_moe_layer = 1, .moe_layers = 20, .experts = 12};
const absl::Time kStart = absl::FromUnixSeconds(1000);

// Assignments with shards that load what they are told when the test says so.
class Fleet {
 public:
  explicit Fleet(const AssignmentOptions& options, const ModelShape& shape = kShape) : assignments(options), shape_(shape) {}

  void Join(const std::string& id, const Holdings& loaded = {}, const std::string& numerics_id = "n") {
    EXPECT_TRUE(assignments.CheckShape(shape_).ok());
    loaded_[id] = loaded;
    assignments.Join(id, shape_, numerics_id, "", loaded, now);
  }
  void Load(const std::string& id) { assignments.Report(id, loaded_[id] = assignments.Assigned(id), draining_.contains(id), now); }
  // Lets go what it is told to, and loads half of the rest.
  void LoadHalf(const std::string& id) {
    const Holdings told = assignments.Assigned(id), missing = Difference(told, loaded_[id]);
    loaded_[id] = Union(Intersection(loaded_[id], told), First(missing, (CountExperts(missing) + 1) / 2));
    assignments.Report(id, loaded_[id], draining_.contains(id), now);
  }
  void Drain(const std::string& id) {
    draining_.insert(id);
    assignments.Report(id, loaded_[id], true, now);
  }
  void Leave(const std::string& id) {
    loaded_.erase(id);
    draining_.erase(id);
    assignments.Leave(id, now);
  }
  void Pass(absl::Duration time) {
    for (const absl::Time end = now + time; now < end;) assignments.Tick(now += absl::Milliseconds(250));
  }
  // Everybody loads what it is told until nothing is left to do.
  bool Settle() {
    for (int round = 0; round < 400; ++round) {
      for (const auto& [id, loaded] : loaded_) Load(id);
      Pass(absl::Milliseconds(250));
      if (assignments.pending() == 0) return true;
    }
    return false;
  }
  bool Rebalance() {
    const std::optional<RebalanceInput> input = assignments.ForRebalance();
    return input && assignments.Adopt(PlanRebalance(*input), now);
  }
  // Reports of one shard's rows, all of the first layer, each of which it had computed `before` times.
  void Work(const std::string& id, int reports = 50, uint64_t before = 0) {
    LayerRows rows{.layer = 1, .experts = assignments.Assigned(id).at(0).experts, .rows = {}};
    for (int report = 0; report <= reports; ++report) {
      rows.rows.assign(rows.experts.size(), before + 1000u * static_cast<uint64_t>(report));
      assignments.CountRows(id, {rows});
    }
  }
  size_t Announced(uint32_t layer, uint32_t expert) const {
    size_t copies = 0;
    for (const auto& [id, loaded] : loaded_) copies += Holds(assignments.Announced(id), layer, expert) ? 1 : 0;
    return copies;
  }
  size_t FewestCopies() const {
    size_t fewest = 1000;
    for (uint32_t layer = 1; layer <= shape_.moe_layers; ++layer) {
      for (uint32_t expert = 0; expert < shape_.experts; ++expert) fewest = std::min(fewest, Announced(layer, expert));
    }
    return fewest;
  }
  size_t Told(const std::string& id) const { return CountExperts(assignments.Assigned(id)); }

  Assignments assignments;
  absl::Time now = kStart;

 private:
  const ModelShape shape_;
  std::map<std::string, Holdings> loaded_;
  std::set<std::string> draining_;
};

TEST(AssignmentsTest, TheFirstShardsGetTheirPartsAsTheyCome) {
  Fleet fleet({.expected_shards = 2});
  fleet.Join("a");
  EXPECT_EQ(fleet.Told("a"), 12u);
  fleet.Join("b");
  EXPECT_EQ(fleet.Told("b"), 12u);
  EXPECT_EQ(fleet.FewestCopies(), 0u) << "nothing is announced before it is loaded";
  EXPECT_TRUE(fleet.Settle());
  EXPECT_EQ(fleet.FewestCopies(), 1u);
  EXPECT_EQ(fleet.Told("a"), 12u);
}

TEST(AssignmentsTest, AfterAWhileThoseThatCameTakeAll) {
  Fleet fleet({.expected_shards = 2});
  fleet.Join("a");
  fleet.Pass(absl::Seconds(59));
  EXPECT_EQ(fleet.Told("a"), 12u);
  fleet.Pass(absl::Seconds(2));
  EXPECT_EQ(fleet.Told("a"), 24u);
}

TEST(AssignmentsTest, NewShardsLoadBeforeOldOnesDrop) {
  Fleet fleet({.expected_shards = 1});
  fleet.Join("a");
  ASSERT_TRUE(fleet.Settle());
  fleet.Join("b");
  fleet.Join("c");
  EXPECT_EQ(fleet.Told("b"), 0u) << "both share one plan";
  fleet.Pass(absl::Seconds(1));
  EXPECT_EQ(fleet.Told("b"), 8u);
  EXPECT_EQ(fleet.Told("a"), 24u);
  fleet.Load("b");
  EXPECT_EQ(CountExperts(fleet.assignments.Announced("a")), 16u);
  EXPECT_EQ(fleet.Told("a"), 24u) << "routers may still have the last map";
  EXPECT_EQ(fleet.FewestCopies(), 1u);
  fleet.Pass(absl::Seconds(2));
  EXPECT_EQ(fleet.Told("a"), 16u);
  EXPECT_EQ(fleet.Told("c"), 8u);
  EXPECT_EQ(fleet.FewestCopies(), 1u) << "what c has not loaded is still a's";
}

TEST(AssignmentsTest, ALeavingShardStaysUntilItIsReplaced) {
  Fleet fleet({.expected_shards = 2});
  fleet.Join("a");
  fleet.Join("b");
  ASSERT_TRUE(fleet.Settle());
  fleet.Drain("b");
  EXPECT_GT(fleet.assignments.pending(), 0u);
  fleet.Pass(absl::Seconds(1));
  EXPECT_FALSE(fleet.assignments.IsReleased("b"));
  EXPECT_EQ(fleet.Told("a"), 24u);
  EXPECT_EQ(fleet.FewestCopies(), 1u);
  fleet.Load("a");
  EXPECT_FALSE(fleet.assignments.IsReleased("b"));
  fleet.Pass(absl::Seconds(2));
  EXPECT_TRUE(fleet.assignments.IsReleased("b"));
  EXPECT_FALSE(fleet.assignments.IsReleased("a"));
  fleet.Leave("b");
  EXPECT_EQ(fleet.assignments.pending(), 0u) << "its going moves nothing";
}

TEST(AssignmentsTest, WhenAllLeaveNobodyWaits) {
  Fleet fleet({.expected_shards = 2});
  fleet.Join("a");
  fleet.Join("b");
  ASSERT_TRUE(fleet.Settle());
  fleet.Drain("a");
  fleet.Drain("b");
  EXPECT_TRUE(fleet.assignments.IsReleased("a"));
  EXPECT_TRUE(fleet.assignments.IsReleased("b"));
  fleet.Pass(absl::Seconds(5));
  EXPECT_EQ(fleet.FewestCopies(), 1u) << "they may be used to the end";
}

TEST(AssignmentsTest, TheDeathOfAnOnlyCopyIsMadeGoodAtOnce) {
  Fleet fleet({.expected_shards = 2});
  fleet.Join("a");
  fleet.Join("b");
  ASSERT_TRUE(fleet.Settle());
  fleet.Leave("b");
  fleet.Pass(absl::Milliseconds(250));
  EXPECT_EQ(fleet.Told("a"), 24u);
  ASSERT_TRUE(fleet.Settle());
  EXPECT_EQ(fleet.FewestCopies(), 1u);
}

TEST(AssignmentsTest, AfterARestartNothingMoves) {
  Fleet before({.expected_shards = 3});
  for (const char* id : {"a", "b", "c"}) before.Join(id);
  ASSERT_TRUE(before.Settle());
  Fleet after({.expected_shards = 2});
  after.assignments.HoldUntil(kStart + absl::Seconds(3));
  for (const char* id : {"c", "a", "b"}) {
    after.Join(id, before.assignments.Assigned(id));
    EXPECT_EQ(after.assignments.Announced(id), before.assignments.Assigned(id));
  }
  after.Pass(absl::Seconds(6));
  for (const char* id : {"a", "b", "c"}) EXPECT_EQ(after.assignments.Assigned(id), before.assignments.Assigned(id));
}

TEST(AssignmentsTest, AnEarlierPlacementsPlanIsGoodForOneReturn) {
  const Holdings low{{1, {0, 1, 2, 3, 4, 5}}, {2, {0, 1, 2, 3, 4, 5}}}, high{{1, {6, 7, 8, 9, 10, 11}}, {2, {6, 7, 8, 9, 10, 11}}};
  Fleet fleet({.expected_shards = 2});
  fleet.assignments.Remember({{"a", low}, {"b", high}, {"gone", low}});
  fleet.assignments.HoldUntil(kStart + absl::Seconds(3));
  fleet.Join("a", low);
  fleet.Join("b", high);
  fleet.Pass(absl::Seconds(4));
  ASSERT_TRUE(fleet.Settle());
  EXPECT_EQ(fleet.assignments.Assigned("a"), low);
  fleet.Leave("a");
  ASSERT_TRUE(fleet.Settle());
  for (const char* id : {"a", "gone"}) {
    fleet.Join(id);
    EXPECT_EQ(fleet.Told(id), 0u) << id << " has no part before the next plan";
    fleet.Leave(id);
  }
}

TEST(AssignmentsTest, ManyShardsShareWhatATickMakesOfThem) {
  Fleet fleet({.expected_shards = 20, .replicas = 2});
  for (int shard = 0; shard < 20; ++shard) fleet.Join(absl::StrCat("s", shard));
  EXPECT_EQ(fleet.Told("s0"), 0u) << "all share one plan";
  fleet.Pass(absl::Milliseconds(250));
  EXPECT_GT(fleet.Told("s0"), 0u);
  ASSERT_TRUE(fleet.Settle());
  EXPECT_GE(fleet.FewestCopies(), 2u);
  fleet.Leave("s7");
  fleet.Pass(absl::Milliseconds(250));
  EXPECT_GT(fleet.assignments.pending(), 0u);
  ASSERT_TRUE(fleet.Settle());
  EXPECT_GE(fleet.FewestCopies(), 2u);
}

TEST(AssignmentsTest, ADeathInTheMiddleOfAMoveIsMadeGoodAtOnce) {
  Fleet fleet({.expected_shards = 2}, kDeep);
  fleet.Join("a");
  fleet.Join("b");
  ASSERT_TRUE(fleet.Settle());
  fleet.Join("c");
  fleet.Join("d");
  fleet.Pass(absl::Seconds(1));
  fleet.Load("c");  // And d has not: a and b still hold its part.
  fleet.Pass(absl::Seconds(2));
  fleet.Leave("c");
  fleet.Pass(absl::Milliseconds(250));
  fleet.Load("a");
  fleet.Load("b");
  fleet.Pass(absl::Milliseconds(250));
  EXPECT_EQ(fleet.FewestCopies(), 1u);
}

TEST(AssignmentsTest, MeasuredLoadMovesExperts) {
  Fleet fleet({.expected_shards = 2, .replicas = 1, .extra_slots = 1});
  fleet.Join("a");
  fleet.Join("b");
  ASSERT_TRUE(fleet.Settle());
  EXPECT_FALSE(fleet.Rebalance()) << "nothing is known";
  fleet.Work("a", 10);
  EXPECT_FALSE(fleet.Rebalance()) << "b may be about to report as much";
  fleet.Work("a");
  EXPECT_NEAR(fleet.assignments.imbalance(), 2 * 6.0 / 7, 0.3);
  EXPECT_TRUE(fleet.Rebalance());
  EXPECT_LT(fleet.assignments.imbalance(), 1.2);
  EXPECT_EQ(fleet.FewestCopies(), 1u);
  EXPECT_FALSE(fleet.Rebalance()) << "one move at a time";
  ASSERT_TRUE(fleet.Settle());
  EXPECT_FALSE(fleet.Rebalance()) << "even enough";
  fleet.Pass(absl::Minutes(10));
  EXPECT_FALSE(fleet.Rebalance()) << "long ago";
}

TEST(AssignmentsTest, WhatAShardComputedBeforeItCameBackIsNoLoad) {
  Fleet fleet({.expected_shards = 2, .replicas = 1, .extra_slots = 1});
  fleet.Join("a");
  fleet.Join("b");
  ASSERT_TRUE(fleet.Settle());
  const Holdings held = fleet.assignments.Assigned("a");
  fleet.Leave("a");
  fleet.Join("a", held);
  ASSERT_TRUE(fleet.Settle());
  fleet.Work("a", 50, /*before=*/1'000'000);
  fleet.Work("b");
  EXPECT_LT(fleet.assignments.imbalance(), 1.2);
  EXPECT_FALSE(fleet.Rebalance());
}

TEST(AssignmentsTest, APlanForWhatHasChangedIsDropped) {
  Fleet fleet({.expected_shards = 2, .replicas = 1, .extra_slots = 1});
  fleet.Join("a");
  fleet.Join("b");
  ASSERT_TRUE(fleet.Settle());
  fleet.Work("a");
  const RebalancePlan plan = PlanRebalance(fleet.assignments.ForRebalance().value());
  EXPECT_EQ(plan.groups.count("n"), 1u);
  fleet.Join("c");
  ASSERT_TRUE(fleet.Settle());
  const auto targets = fleet.assignments.Targets();
  EXPECT_FALSE(fleet.assignments.Adopt(plan, fleet.now));
  EXPECT_EQ(fleet.assignments.Targets(), targets);
}

TEST(AssignmentsTest, EachNumericsHoldsAllExperts) {
  Fleet fleet({.expected_shards = 1});
  fleet.Join("old", {}, "old");
  ASSERT_TRUE(fleet.Settle());
  fleet.Join("new", {}, "new");
  ASSERT_TRUE(fleet.Settle());
  EXPECT_EQ(fleet.Told("old"), 24u);
  EXPECT_EQ(fleet.Told("new"), 24u);
}

TEST(AssignmentsTest, AnotherModelIsRefused) {
  Fleet fleet({.expected_shards = 1});
  fleet.Join("a");
  ModelShape other = kShape;
  other.experts = 16;
  EXPECT_EQ(fleet.assignments.CheckShape(other).code(), absl::StatusCode::kInvalidArgument);
  fleet.Leave("a");
  EXPECT_TRUE(fleet.assignments.CheckShape(other).ok()) << "an empty cluster may change its model";
}

// Whoever comes, drains or loads when: an expert that was there stays there, and in the end each has its copies.
TEST(AssignmentsTest, NoExpertIsEverLostToPlannedChanges) {
  for (uint32_t seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    const uint32_t replicas = 1 + random() % 3;
    Fleet fleet({.expected_shards = 2, .replicas = replicas, .extra_slots = seed % 3}, seed % 20 == 0 ? kDeep : kShape);
    std::set<std::string> here, draining;
    for (int i = 0; i < 3; ++i) fleet.Join(*here.insert(absl::StrCat("s", i)).first);
    ASSERT_TRUE(fleet.Settle());
    for (int step = 0; step < 120; ++step) {
      const std::string fresh = absl::StrCat("s", 3 + step);
      const std::string some = *std::next(here.begin(), random() % here.size());
      switch (random() % 8) {
        case 0:
          if (here.size() < 7) fleet.Join(*here.insert(fresh).first);
          break;
        case 1:
          if (here.size() > draining.size() + 1 && draining.insert(some).second) fleet.Drain(some);
          break;
        case 2:
          for (const std::string& id : std::set(draining)) {
            if (!fleet.assignments.IsReleased(id)) continue;
            fleet.Leave(id);
            here.erase(id);
            draining.erase(id);
          }
          break;
        case 3:
          fleet.Load(some);
          break;
        case 4:
          fleet.LoadHalf(some);
          break;
        case 5:
          if (!fleet.assignments.Assigned(some).empty()) fleet.Work(some);
          fleet.Rebalance();
          break;
        default:
          fleet.Pass(absl::Milliseconds(250 * (1 + random() % 8)));
      }
      ASSERT_GE(fleet.FewestCopies(), 1u) << "step " << step;
    }
    ASSERT_TRUE(fleet.Settle());
    ASSERT_GE(fleet.FewestCopies(), std::min<size_t>(replicas, here.size() - draining.size()));
  }
}

}  // namespace
}  // namespace baleen
