#include "services/attention/scheduler/stop_rules.h"

#include "gtest/gtest.h"

namespace baleen {
namespace {

StopRules Rules() { return {.max_tokens = 4, .min_tokens = 1, .stop_ids = {7, 9}, .max_positions = 100}; }

TEST(StopRulesTest, StopsOnAnyStopId) {
  EXPECT_EQ(CheckStop(Rules(), 10, 2, 7), StopReason::kStop);
  EXPECT_EQ(CheckStop(Rules(), 10, 2, 9), StopReason::kStop);
  EXPECT_EQ(CheckStop(Rules(), 10, 2, 8), StopReason::kNone);
}

TEST(StopRulesTest, StopWinsOverLengthOnTheLastToken) { EXPECT_EQ(CheckStop(Rules(), 10, 4, 7), StopReason::kStop); }

TEST(StopRulesTest, EndsAtMaxTokensAndAtTheContextLength) {
  EXPECT_EQ(CheckStop(Rules(), 10, 3, 1), StopReason::kNone);
  EXPECT_EQ(CheckStop(Rules(), 10, 4, 1), StopReason::kLength);
  EXPECT_EQ(CheckStop(Rules(), 98, 1, 1), StopReason::kNone);
  EXPECT_EQ(CheckStop(Rules(), 98, 2, 1), StopReason::kLength);
}

TEST(StopRulesTest, MinTokensBansStopIdsForExactlyThoseTokens) {
  EXPECT_EQ(BannedIds(Rules(), 0).size(), 2u);
  EXPECT_TRUE(BannedIds(Rules(), 1).empty());
}

}  // namespace
}  // namespace baleen
