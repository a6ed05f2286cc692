#include "kernels/elementwise.h"

#include <cmath>
#include <vector>

#include "gtest/gtest.h"
#include "kernels/math.h"

namespace baleen {
namespace {

// Expected numbers: model spec section 11.

TEST(ElementwiseTest, RmsNorm) {
  const std::vector<float> x = {1, 2, 3, 4};
  const std::vector<float> weight = {1, 1, 1, 1};
  std::vector<float> y(4, NAN);
  RmsNorm(x.data(), 4, weight.data(), 1e-6f, 1, 4, y.data(), 4);
  const std::vector<float> expected = {0.365148f, 0.730297f, 1.095445f, 1.460593f};
  for (int i = 0; i < 4; ++i) EXPECT_NEAR(y[i], expected[i], 1e-6) << i;
}

TEST(ElementwiseTest, RmsNormEpsMatters) {
  const std::vector<float> x(4, 1e-3f);
  const std::vector<float> weight(4, 1.0f);
  std::vector<float> y(4, NAN);
  RmsNorm(x.data(), 4, weight.data(), 1e-6f, 1, 4, y.data(), 4);
  EXPECT_NEAR(y[3], 0.707107f, 1e-6);
  RmsNorm(x.data(), 4, weight.data(), 1e-5f, 1, 4, y.data(), 4);
  EXPECT_NEAR(y[3], 0.301511f, 1e-6);
}

TEST(ElementwiseTest, RmsNormRowsStandAloneAndMayAlias) {
  constexpr int kWidth = 37;
  std::vector<float> x(3 * 40);
  for (size_t i = 0; i < x.size(); ++i) x[i] = std::sin(static_cast<float>(i) * 1.7f) * static_cast<float>(1 + i / 40);
  std::vector<float> weight(kWidth);
  for (int i = 0; i < kWidth; ++i) weight[i] = 0.5f + static_cast<float>(i) / kWidth;
  std::vector<float> together(3 * 40, NAN);
  RmsNorm(x.data(), 40, weight.data(), 1e-6f, 3, kWidth, together.data(), 40);
  for (int row = 0; row < 3; ++row) {
    std::vector<float> alone(x.begin() + row * 40, x.begin() + row * 40 + kWidth);
    double squares = 0;
    for (const float v : alone) squares += static_cast<double>(v) * v;
    const double inverse = 1 / std::sqrt(squares / kWidth + 1e-6);
    RmsNorm(alone.data(), kWidth, weight.data(), 1e-6f, 1, kWidth, alone.data(), kWidth);
    for (int i = 0; i < kWidth; ++i) {
      EXPECT_EQ(alone[i], together[row * 40 + i]);
      EXPECT_NEAR(alone[i], weight[i] * x[row * 40 + i] * inverse, 1e-6);
    }
    EXPECT_TRUE(std::isnan(together[row * 40 + kWidth]));
  }
}

TEST(ElementwiseTest, RopeRotatesInterleavedPairs) {
  std::vector<float> x = {1, 2, 3, 4, 1, 2, 3, 4};
  const std::vector<float> frequencies = {1.0f, 0.01f};
  Rope(x.data(), 2, 4, 4, 3, frequencies.data(), 1.0f);
  const std::vector<float> expected = {-1.272233f, -1.838865f, 2.878668f, 4.088187f};
  for (int i = 0; i < 8; ++i) EXPECT_NEAR(x[i], expected[i % 4], 2e-6) << i;
}

TEST(ElementwiseTest, RopeMagnitudeScales) {
  std::vector<float> x = {3, 4};
  const float frequency = 1.0f;
  Rope(x.data(), 1, 2, 2, 7, &frequency, 2.0f);
  EXPECT_NEAR(std::hypot(x[0], x[1]), 10.0f, 1e-5);
}

TEST(ElementwiseTest, SwiGlu) {
  std::vector<float> gate = {1.5f, -3.0f};
  const std::vector<float> up = {-2.0f, 0.5f};
  SwiGlu(gate.data(), up.data(), 2);
  EXPECT_NEAR(gate[0], -2.4527234286, 1e-6);
  EXPECT_NEAR(gate[1], -0.0711388098, 1e-7);
}

// However the loop is vectorised, an element's bits are those of the scalar function.
TEST(ElementwiseTest, SwiGluIsTheSameInAnyPlace) {
  std::vector<float> gate(1003);
  std::vector<float> up(gate.size());
  for (size_t i = 0; i < gate.size(); ++i) {
    gate[i] = static_cast<float>(i) * 0.37f - 190.0f;
    up[i] = std::sin(static_cast<float>(i));
  }
  gate[5] = NAN;
  const std::vector<float> before = gate;
  SwiGlu(gate.data(), up.data(), static_cast<int64_t>(gate.size()));
  for (size_t i = 0; i < gate.size(); ++i) {
    if (i == 5) continue;
    EXPECT_EQ(gate[i], before[i] * Sigmoid(before[i]) * up[i]) << i;
  }
  EXPECT_TRUE(std::isnan(gate[5]));
}

}  // namespace
}  // namespace baleen
