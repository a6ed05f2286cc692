#include "services/router/shard_health.h"

#include <gtest/gtest.h>

#include <random>

namespace baleen {
namespace {

const absl::Time kStart = absl::FromUnixSeconds(1000);

TEST(ShardHealthTest, FirstEjectionEndsWithASignOfLife) {
  ShardHealth health;
  EXPECT_TRUE(health.Good(kStart));
  health.Overdue(kStart);
  EXPECT_FALSE(health.Good(kStart));
  EXPECT_TRUE(health.Usable(kStart));
  health.Alive(kStart + absl::Milliseconds(1));
  EXPECT_TRUE(health.Good(kStart + absl::Milliseconds(1)));
}

TEST(ShardHealthTest, EjectionsGrowAndAreForgiven) {
  ShardHealth health;
  absl::Time now = kStart;
  absl::Duration last = absl::ZeroDuration();
  for (int i = 0; i < 12; ++i) {
    health.Overdue(now);
    const absl::Time begun = now;
    while (!health.Good(now)) {
      now += absl::Milliseconds(10);
      health.Alive(now);
    }
    const absl::Duration lasted = now - begun;
    EXPECT_GE(lasted, last);
    EXPECT_LE(lasted, ShardHealth::kMaxEjection + absl::Milliseconds(10));
    last = lasted;
  }
  EXPECT_GE(last, ShardHealth::kMaxEjection);
  for (int i = 0; i < ShardHealth::kForgiveAfter; ++i) health.Answered(now, 1, absl::Milliseconds(1));
  health.Overdue(now);
  health.Alive(now);
  EXPECT_TRUE(health.Good(now));
}

TEST(ShardHealthTest, RefusalPausesAndEnds) {
  ShardHealth health;
  health.Refused(kStart);
  EXPECT_FALSE(health.Usable(kStart));
  EXPECT_EQ(health.NextEvent(kStart), kStart + ShardHealth::kRefusalPause);
  EXPECT_TRUE(health.Good(kStart + ShardHealth::kRefusalPause));
}

TEST(ShardHealthTest, ProbesOnlyWhileEjectedAndNotTooOften) {
  ShardHealth health;
  EXPECT_FALSE(health.TakeProbe(kStart));
  health.Overdue(kStart);
  int probes = 0;
  for (int ms = 0; ms <= 2000; ++ms) probes += health.TakeProbe(kStart + absl::Milliseconds(ms)) ? 1 : 0;
  EXPECT_EQ(probes, 2000 / absl::ToInt64Milliseconds(ShardHealth::kProbeInterval));
  health.Alive(kStart + absl::Seconds(3));
  EXPECT_FALSE(health.TakeProbe(kStart + absl::Seconds(9)));
}

TEST(ShardHealthTest, ANewStreamIsGivenAChance) {
  ShardHealth health;
  for (int i = 0; i < 5; ++i) health.Overdue(kStart), health.Alive(kStart + absl::Seconds(100));
  health.Overdue(kStart);
  health.Connected();
  EXPECT_TRUE(health.Good(kStart));
}

TEST(ShardHealthTest, AnEjectedShardThatAnswersAlwaysComesBack) {
  for (uint32_t seed = 0; seed < 2000; ++seed) {
    std::mt19937 random(seed);
    ShardHealth health;
    absl::Time now = kStart;
    for (int i = 0; i < 60; ++i) {
      now += absl::Milliseconds(random() % 300);
      switch (random() % 5) {
        case 0:
          health.Overdue(now);
          break;
        case 1:
          health.Answered(now, 1 + random() % 50, absl::Milliseconds(random() % 20));
          break;
        case 2:
          health.Alive(now);
          break;
        case 3:
          health.Refused(now);
          break;
        default:
          health.TakeProbe(now);
      }
    }
    const absl::Time limit = now + ShardHealth::kMaxEjection + 2 * ShardHealth::kProbeInterval;
    while (!health.Good(now) && now < limit) {
      const absl::Time next = health.NextEvent(now);
      ASSERT_LT(next, absl::InfiniteFuture()) << "seed " << seed;
      now = std::max(next, now);
      if (health.TakeProbe(now)) health.Alive(now);
    }
    EXPECT_TRUE(health.Good(now)) << "seed " << seed;
  }
}

}  // namespace
}  // namespace baleen
