#include "services/placement/planner/handover.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <random>
#include <utility>

namespace baleen {
namespace {

const Holdings kLow{{1, {0, 1}}};
const Holdings kHigh{{1, {2, 3}}};
const Holdings kAll{{1, {0, 1, 2, 3}}};

TEST(HandoverTest, TheOldCopyStaysUntilTheNewOneIsLoaded) {
  EXPECT_EQ(HoldUntilReplaced({{kLow, kAll}, {kHigh, {}}}), (std::vector<Holdings>{kAll, kHigh}));
  EXPECT_EQ(HoldUntilReplaced({{kLow, kAll}, {kHigh, {{1, {3}}}}}), (std::vector<Holdings>{{{1, {0, 1, 2}}}, kHigh}));
  EXPECT_EQ(HoldUntilReplaced({{kLow, kAll}, {kHigh, kHigh}}), (std::vector<Holdings>{kLow, kHigh}));
}

TEST(HandoverTest, EveryNewCopyIsAwaited) {
  EXPECT_EQ(HoldUntilReplaced({{{}, kLow}, {kLow, kLow}, {kLow, {}}}), (std::vector<Holdings>{kLow, kLow, kLow}));
}

TEST(HandoverTest, WithoutAPlanNothingIsDropped) {
  EXPECT_EQ(HoldUntilReplaced({{{}, kLow}, {{}, kAll}}), (std::vector<Holdings>{kLow, kAll}));
}

// Shards that load and let go as they are told until all hold their targets; what they have to hold at the most beyond those.
class Moving {
 public:
  Moving(std::vector<Holdings> from, std::vector<Holdings> to) : told_(from) {
    for (size_t i = 0; i < from.size(); ++i) shards_.push_back({std::move(to[i]), std::move(from[i])});
  }

  // Whether they came to an end, nothing that all targets together name ever being missing that was there.
  bool Run() {
    for (int round = 0; round < 1000; ++round) {
      const std::vector<Holdings> wanted = HoldUntilReplaced(shards_);
      const std::vector<Holdings> staged = StageLoads(shards_, wanted, told_);
      Holdings before, after;
      for (size_t i = 0; i < shards_.size(); ++i) {
        before = Union(before, shards_[i].loaded);
        after = Union(after, Intersection(staged[i], Union(shards_[i].loaded, wanted[i])));
        const size_t room = CountExperts(shards_[i].target) + MovingRoom(shards_[i].target);
        beyond_ = std::max(beyond_, CountExperts(staged[i]) > room ? CountExperts(staged[i]) - room : 0);
        shards_[i].loaded = staged[i];
        told_[i] = Intersection(staged[i], wanted[i]);
      }
      if (!Difference(before, after).empty()) return false;
      if (std::all_of(shards_.begin(), shards_.end(), [](const auto& shard) { return shard.loaded == shard.target; })) return true;
    }
    return false;
  }
  size_t beyond() const { return beyond_; }

 private:
  std::vector<ShardHoldings> shards_;
  std::vector<Holdings> told_;
  size_t beyond_ = 0;
};

// [shards]: every expert of every layer on one shard, or on two.
std::vector<Holdings> Deal(std::mt19937& random, uint32_t shards, uint32_t layers, uint32_t experts) {
  std::vector<Holdings> dealt(shards);
  for (uint32_t layer = 0; layer < layers; ++layer) {
    for (uint32_t copies = 1 + random() % 2; copies > 0; --copies) {
      std::vector<uint32_t> order(experts);
      std::iota(order.begin(), order.end(), 0);
      std::shuffle(order.begin(), order.end(), random);
      for (uint32_t i = 0; i < experts; ++i) dealt[i % shards] = Union(dealt[i % shards], {{layer, {order[i]}}});
    }
  }
  return dealt;
}

TEST(StageLoadsTest, APlanForAllExpertsAnewNeedsLittleRoom) {
  std::mt19937 random(1);
  const auto deal = [&] { return std::vector<Holdings>{{}, {}, {}, {}}; };
  std::vector<Holdings> from = deal(), to = deal();
  for (uint32_t layer = 0; layer < 40; ++layer) {
    for (uint32_t expert = 0; expert < 16; ++expert) {
      from[expert % 4] = Union(from[expert % 4], {{layer, {expert}}});
      to[expert / 4] = Union(to[expert / 4], {{layer, {expert}}});
    }
  }
  EXPECT_EQ(MovingRoom(to[0]), 20u);
  Moving moving(from, to);
  EXPECT_TRUE(moving.Run());
  EXPECT_EQ(moving.beyond(), 0u);
}

TEST(StageLoadsTest, AnyPlanIsReachedFromAnyOther) {
  for (uint32_t seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    const uint32_t shards = 2 + random() % 5, layers = 1 + random() % 6, experts = 4 + random() % 9;
    std::vector<Holdings> from = Deal(random, shards, layers, experts);
    std::vector<Holdings> to = Deal(random, shards, layers, experts);
    for (uint32_t leaving = random() % shards; leaving > 0; --leaving) {
      for (const LayerExperts& layer : std::exchange(to[leaving], {})) to[0] = Union(to[0], {layer});
    }
    EXPECT_TRUE(Moving(from, to).Run());
  }
}

TEST(StageLoadsTest, WhatIsLostIsLoadedAtOnce) {
  const Holdings all{{1, {0, 1, 2, 3}}, {2, {0, 1, 2, 3}}};
  const Holdings half{{1, {0, 1}}, {2, {0, 1}}};
  EXPECT_EQ(StageLoads({{all, half}}, {all}, {half}), std::vector<Holdings>{all});
}

TEST(HoldingsTest, Algebra) {
  const Holdings a{{1, {0, 1}}, {3, {5}}};
  const Holdings b{{1, {1, 2}}, {2, {7}}};
  EXPECT_EQ(Union(a, b), (Holdings{{1, {0, 1, 2}}, {2, {7}}, {3, {5}}}));
  EXPECT_EQ(Intersection(a, b), (Holdings{{1, {1}}}));
  EXPECT_EQ(Difference(a, b), (Holdings{{1, {0}}, {3, {5}}}));
  EXPECT_EQ(First(a, 0), Holdings());
  EXPECT_EQ(First(a, 1), (Holdings{{1, {0}}}));
  EXPECT_EQ(First(a, 9), a);
  EXPECT_EQ(CountExperts(a), 3u);
  EXPECT_TRUE(Holds(a, 3, 5));
  EXPECT_FALSE(Holds(a, 3, 4));
  EXPECT_FALSE(Holds(a, 2, 5));
}

}  // namespace
}  // namespace baleen
