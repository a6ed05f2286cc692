#include "services/gateway/admission/service_time.h"

#include <gtest/gtest.h>

namespace baleen {
namespace {

TEST(ServiceTimeTest, SaysNothingBeforeAnythingEnded) { EXPECT_EQ(ServiceTime().TimeFor(1000, 10), absl::ZeroDuration()); }

TEST(ServiceTimeTest, IsWhatLittlesLawSays) {
  ServiceTime time;
  // Ten at a time, 50 tokens each, two seconds each: 250 tokens leave a second.
  for (int i = 0; i < 20; ++i) time.Ended(50, absl::Seconds(2), 10);
  EXPECT_NEAR(absl::ToDoubleSeconds(time.TimeFor(1000, 500)), 4, 1e-6);
  EXPECT_EQ(time.TimeFor(0, 500), absl::ZeroDuration());
}

TEST(ServiceTimeTest, FollowsWithinAFewGenerationsOfWhatRuns) {
  ServiceTime time;
  for (int i = 0; i < 100; ++i) time.Ended(50, absl::Seconds(1), 10);
  for (int i = 0; i < 50; ++i) time.Ended(50, absl::Seconds(4), 10);
  EXPECT_NEAR(absl::ToDoubleSeconds(time.TimeFor(500, 500)), 4, 0.1);
}

// A long request counts for as much as the place that it took.
TEST(ServiceTimeTest, LongRequestsWeighByTheirTokens) {
  ServiceTime time;
  for (int i = 0; i < 1000; ++i) time.Ended(i % 2 == 0 ? 10 : 990, i % 2 == 0 ? absl::Milliseconds(10) : absl::Seconds(10), 100);
  EXPECT_NEAR(absl::ToDoubleSeconds(time.TimeFor(100, 100)), 9.9, 0.2);
}

TEST(ServiceTimeTest, AClockThatGoesBackMakesNothingNegative) {
  ServiceTime time;
  time.Ended(50, absl::Seconds(-5), 10);
  EXPECT_EQ(time.TimeFor(1000, 500), absl::ZeroDuration());
}

}  // namespace
}  // namespace baleen
