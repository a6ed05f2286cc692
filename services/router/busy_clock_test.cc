#include "services/router/busy_clock.h"

#include <gtest/gtest.h>

namespace baleen {
namespace {

absl::Time Ms(int64_t ms) { return absl::FromUnixMillis(ms); }

TEST(BusyClockTest, StandsStillWhileStopped) {
  BusyClock clock;
  const absl::Time sent = clock.At(Ms(10));
  EXPECT_EQ(clock.At(Ms(14)) - sent, absl::Milliseconds(4));
  clock.Stop(Ms(15));
  EXPECT_EQ(clock.At(Ms(19)) - sent, absl::Milliseconds(5));
  clock.Go(Ms(25));
  EXPECT_EQ(clock.At(Ms(28)) - sent, absl::Milliseconds(8));
  clock.Stop(Ms(30));
  clock.Go(Ms(31));
  EXPECT_EQ(clock.At(Ms(32)) - sent, absl::Milliseconds(11));
}

}  // namespace
}  // namespace baleen
