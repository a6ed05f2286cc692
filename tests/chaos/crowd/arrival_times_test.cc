#include "tests/chaos/crowd/arrival_times.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace baleen {
namespace {

TEST(ArrivalTimesTest, OneSeedGivesTheSameTimes) {
  const std::vector<double> times = ArrivalTimes(50, 10, "quiet 1");
  EXPECT_EQ(times, ArrivalTimes(50, 10, "quiet 1"));
  EXPECT_NE(times, ArrivalTimes(50, 10, "quiet 2"));
}

TEST(ArrivalTimesTest, TimesAscendWithinTheDuration) {
  const std::vector<double> times = ArrivalTimes(50, 10, "quiet 1");
  ASSERT_FALSE(times.empty());
  EXPECT_TRUE(std::is_sorted(times.begin(), times.end()));
  EXPECT_GT(times.front(), 0);
  EXPECT_LT(times.back(), 10);
}

TEST(ArrivalTimesTest, RequestsComeAtTheRateAndAtRandom) {
  constexpr double kRate = 200;
  constexpr double kSeconds = 500;
  const std::vector<double> times = ArrivalTimes(kRate, kSeconds, "crowd");
  // Within five standard deviations of a Poisson process' count; of its gaps one in e is longer than the mean.
  EXPECT_NEAR(static_cast<double>(times.size()), kRate * kSeconds, 5 * std::sqrt(kRate * kSeconds));
  int long_gaps = 0;
  for (size_t i = 1; i < times.size(); ++i) long_gaps += times[i] - times[i - 1] > 1 / kRate ? 1 : 0;
  EXPECT_NEAR(long_gaps / static_cast<double>(times.size()), std::exp(-1), 0.01);
}

TEST(ArrivalTimesTest, NobodyComesInNoTime) { EXPECT_TRUE(ArrivalTimes(50, 0, "quiet 1").empty()); }

}  // namespace
}  // namespace baleen
