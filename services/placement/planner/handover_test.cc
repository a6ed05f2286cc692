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

// Shards that load and let go as they are told until all hold their targets.
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
        const size_t room = MovingRoom(shards_[i].target);
        const size_t limit = std::max(CountExperts(shards_[i].loaded), CountExperts(shards_[i].target) + room);
        const size_t beyond = CountExperts(staged[i]) - std::min(CountExperts(staged[i]), limit);
        if (beyond > 0) rooms_beyond_ = std::max(rooms_beyond_, room == 0 ? beyond : (beyond + room - 1) / room);
        shards_[i].loaded = staged[i];
        told_[i] = Intersection(staged[i], wanted[i]);
      }
      if (!Difference(before, after).empty()) return false;
      if (std::all_of(shards_.begin(), shards_.end(), [](const auto& shard) { return shard.loaded == shard.target; })) return true;
    }
    return false;
  }
  // How many MovingRooms a shard had to hold beyond its target and one, or beyond what it held.
  size_t rooms_beyond() const { return rooms_beyond_; }

 private:
  std::vector<ShardHoldings> shards_;
  std::vector<Holdings> told_;
  size_t rooms_beyond_ = 0;
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
  EXPECT_EQ(moving.rooms_beyond(), 0u);
}

TEST(StageLoadsTest, AnyPlanIsReachedFromAnyOther) {
  size_t stalls = 0;
  for (uint32_t seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    const uint32_t shards = 2 + random() % 5, layers = 1 + random() % 6, experts = 4 + random() % 9;
    std::vector<Holdings> from = Deal(random, shards, layers, experts);
    std::vector<Holdings> to = Deal(random, shards, layers, experts);
    for (uint32_t leaving = random() % shards; leaving > 0; --leaving) {
      for (const LayerExperts& layer : std::exchange(to[leaving], {})) to[0] = Union(to[0], {layer});
    }
    Moving moving(from, to);
    EXPECT_TRUE(moving.Run());
    EXPECT_LE(moving.rooms_beyond(), 1u);
    stalls += moving.rooms_beyond();
  }
  EXPECT_LE(stalls, 5u) << "of 200";
}

TEST(StageLoadsTest, WhatIsLostDoesNotWaitForWhatMoves) {
  const Holdings target{{1, {0, 1}}, {2, {0, 1}}};
  const Holdings leaving{{1, {4, 5}}, {2, {4, 5}}};  // Awaited by a shard that has not loaded it.
  const Holdings loaded = Union({{1, {0}}}, leaving);
  const ShardHoldings full{target, loaded};
  const ShardHoldings successor{leaving, {}};
  const ShardHoldings other{{{2, {0}}}, {{2, {0}}}};
  const std::vector<ShardHoldings> shards{full, successor, other};
  const Holdings staged = StageLoads(shards, HoldUntilReplaced(shards), {loaded, leaving, other.loaded})[0];
  EXPECT_TRUE(Holds(staged, 1, 1)) << "nobody has it";
  EXPECT_TRUE(Holds(staged, 2, 1)) << "nor that";
  EXPECT_FALSE(Holds(staged, 2, 0)) << "it is here, and there is no room";
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
