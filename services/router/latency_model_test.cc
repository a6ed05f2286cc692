#include "services/router/latency_model.h"

#include <gtest/gtest.h>

#include <random>

namespace baleen {
namespace {

constexpr absl::Duration kUnknown = absl::Milliseconds(250);
constexpr absl::Duration kFloor = absl::Milliseconds(10);

TEST(LatencyModelTest, StartsPatientThenLearns) {
  LatencyModel model(kUnknown, kFloor);
  EXPECT_EQ(model.OverdueAfter(100), kUnknown);
  for (int i = 0; i < 100; ++i) model.Observe(100, absl::Milliseconds(40));
  EXPECT_GE(model.OverdueAfter(100), absl::Milliseconds(40));
  EXPECT_LE(model.OverdueAfter(100), absl::Milliseconds(44));
  EXPECT_EQ(model.OverdueAfter(1), kUnknown);
}

TEST(LatencyModelTest, ScalesToSizesNotSeenAndKeepsTheFloor) {
  LatencyModel model(kUnknown, kFloor);
  for (int i = 0; i < 100; ++i) model.Observe(8, absl::Milliseconds(20));
  EXPECT_GE(model.OverdueAfter(64), 8 * absl::Milliseconds(20));
  for (int i = 0; i < 200; ++i) model.Observe(8, absl::Microseconds(50));
  EXPECT_EQ(model.OverdueAfter(8), kFloor);
}

TEST(LatencyModelTest, OneStopTeachesLittleLastingSlownessIsLearnt) {
  LatencyModel model(kUnknown, kFloor);
  for (int i = 0; i < 100; ++i) model.Observe(8, absl::Milliseconds(20));
  const absl::Duration before = model.OverdueAfter(8);
  model.Observe(8, absl::Seconds(10));
  EXPECT_LE(model.OverdueAfter(8), 3 * before);
  for (int i = 0; i < 100; ++i) model.Observe(8, absl::Seconds(1));
  EXPECT_GE(model.OverdueAfter(8), absl::Seconds(1));
}

TEST(LatencyModelTest, FewSteadyAnswersAreOverdue) {
  for (uint32_t seed = 0; seed < 200; ++seed) {
    std::mt19937 random(seed);
    std::uniform_real_distribution<double> jitter(0.7, 1.3);
    LatencyModel model(kUnknown, absl::ZeroDuration());
    int overdue = 0;
    for (int i = 0; i < 1000; ++i) {
      const absl::Duration took = absl::Milliseconds(30) * jitter(random);
      if (took > model.OverdueAfter(16)) ++overdue;
      model.Observe(16, took);
    }
    EXPECT_LE(overdue, 10) << "seed " << seed;
  }
}

}  // namespace
}  // namespace baleen
