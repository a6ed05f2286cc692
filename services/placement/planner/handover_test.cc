#include "services/placement/planner/handover.h"

#include <gtest/gtest.h>

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

TEST(HoldingsTest, Algebra) {
  const Holdings a{{1, {0, 1}}, {3, {5}}};
  const Holdings b{{1, {1, 2}}, {2, {7}}};
  EXPECT_EQ(Union(a, b), (Holdings{{1, {0, 1, 2}}, {2, {7}}, {3, {5}}}));
  EXPECT_EQ(Intersection(a, b), (Holdings{{1, {1}}}));
  EXPECT_EQ(Difference(a, b), (Holdings{{1, {0}}, {3, {5}}}));
  EXPECT_EQ(CountExperts(a), 3u);
  EXPECT_TRUE(Holds(a, 3, 5));
  EXPECT_FALSE(Holds(a, 3, 4));
  EXPECT_FALSE(Holds(a, 2, 5));
}

}  // namespace
}  // namespace baleen
