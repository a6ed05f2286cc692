#include "tests/golden/logits_compare.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace baleen {
namespace {

Golden TwoPositions() {
  GoldenSequence sequence;
  sequence.tokens = {5, 6};
  sequence.logits = {0, 0, std::log(2.0f), -4, 1, 1.5f};
  sequence.gate_gap = {1, 1e-6f};
  Golden golden;
  golden.sequences = {sequence};
  return golden;
}

TEST(LogitsCompare, ErrorsAreRelativeToThePosition) {
  const Golden golden = TwoPositions();
  const std::vector<PositionError> errors = PositionErrors(golden.sequences[0], {0, 0, std::log(2.0f), -4, 1.5f, 1});
  ASSERT_EQ(errors.size(), 2u);
  EXPECT_EQ(errors[0].relative_error, 0);
  EXPECT_DOUBLE_EQ(errors[1].relative_error, 0.125);
  EXPECT_EQ(errors[1].gate_gap, 1e-6f);
}

TEST(LogitsCompare, NanIsInfinitelyFar) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_TRUE(std::isinf(PositionErrors(TwoPositions().sequences[0], {nan, 0, 0, 0, 0, 0})[0].relative_error));
}

TEST(LogitsCompare, DistanceOfEqualLogitsIsZero) {
  const Golden golden = TwoPositions();
  const LogitsDistance distance = Distance(golden, {golden.sequences[0].logits});
  EXPECT_EQ(distance.top1_disagreement, 0);
  EXPECT_NEAR(distance.mean_kl, 0, 1e-15);
}

TEST(LogitsCompare, DistanceByHand) {
  // First position: p = (1/4, 1/4, 1/2) against q = 1/3 each, the greatest of which is the first.
  const Golden golden = TwoPositions();
  const LogitsDistance distance = Distance(golden, {{0, 0, 0, -4, 1, 1.5f}});
  EXPECT_EQ(distance.top1_disagreement, 0.5);
  EXPECT_NEAR(distance.mean_kl, (0.5 * std::log(0.75) + 0.5 * std::log(1.5)) / 2, 1e-7);
}

TEST(LogitsCompare, DistanceAfterAMarkerLeavesOutWhatIsBefore) {
  const Golden golden = TwoPositions();
  const std::vector<std::vector<float>> other = {{0, 0, 0, -4, 1, 1.5f}};
  EXPECT_EQ(DistanceAfter(6, golden, other).top1_disagreement, 0);
  EXPECT_EQ(DistanceAfter(5, golden, other).top1_disagreement, 0.5);
  EXPECT_EQ(DistanceAfter(7, golden, other).top1_disagreement, 0.5) << "no marker: all positions";
}

}  // namespace
}  // namespace baleen
