#include "kernels/math.h"

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

#include "gtest/gtest.h"

namespace baleen {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

// Error of `got` against `exact`, in units of the last place of `exact`.
double UlpError(float got, double exact) {
  const float rounded = std::fabs(static_cast<float>(exact));
  const double ulp = std::fmax(0x1p-149, std::nextafterf(rounded, kInfinity) - rounded);
  return std::fabs(got - exact) / ulp;
}

// Walks all exponents and signs with a stride over the mantissas that is prime to them.
template <typename Visit>
void ForManyFloats(const Visit& visit) {
  for (uint64_t bits = 0; bits <= 0xffffffffu; bits += 5003) {
    const float x = std::bit_cast<float>(static_cast<uint32_t>(bits));
    if (std::isfinite(x)) visit(x);
  }
}

TEST(MathTest, ExpIsWithinAnUlp) {
  double worst = 0;
  ForManyFloats([&](float x) {
    if (x >= -104.0f && x < 88.72f) worst = std::fmax(worst, UlpError(Exp(x), std::exp(static_cast<double>(x))));
  });
  for (float x = -104.0f; x < 88.72f; x += 0.00037f) worst = std::fmax(worst, UlpError(Exp(x), std::exp(static_cast<double>(x))));
  EXPECT_LE(worst, 0.51);
}

TEST(MathTest, ExpAtTheEdges) {
  EXPECT_EQ(Exp(0.0f), 1.0f);
  EXPECT_EQ(Exp(-105.0f), 0.0f);
  EXPECT_EQ(Exp(-kInfinity), 0.0f);
  EXPECT_EQ(Exp(88.9f), kInfinity);
  EXPECT_EQ(Exp(kInfinity), kInfinity);
  EXPECT_TRUE(std::isnan(Exp(NAN)));
}

TEST(MathTest, LogIsWithinAnUlp) {
  double worst = 0;
  ForManyFloats([&](float x) {
    if (x > 0) worst = std::fmax(worst, UlpError(Log(x), std::log(static_cast<double>(x))));
  });
  for (float x = 0.5f; x < 2.0f; x += 0.0000037f) worst = std::fmax(worst, UlpError(Log(x), std::log(static_cast<double>(x))));
  EXPECT_LE(worst, 0.51);
}

TEST(MathTest, LogAtTheEdges) {
  EXPECT_EQ(Log(1.0f), 0.0f);
  EXPECT_EQ(Log(0.0f), -kInfinity);
  EXPECT_EQ(Log(kInfinity), kInfinity);
  EXPECT_TRUE(std::isnan(Log(-1.0f)));
  EXPECT_TRUE(std::isnan(Log(NAN)));
}

TEST(MathTest, SinCosOverThePositionsInUse) {
  double worst = 0;
  const auto check = [&](float angle) {
    float sine = 0;
    float cosine = 0;
    SinCos(angle, &sine, &cosine);
    worst = std::fmax(worst, std::fabs(sine - std::sin(static_cast<double>(angle))));
    worst = std::fmax(worst, std::fabs(cosine - std::cos(static_cast<double>(angle))));
  };
  ForManyFloats([&](float angle) {
    if (std::fabs(angle) <= 0x1p18f) check(angle);
  });
  for (int position = 0; position <= 1 << 18; ++position) check(static_cast<float>(position));
  EXPECT_LE(worst, 6.1e-8);
}

TEST(MathTest, SinCosRefusesWhatItCannotReduce) {
  float sine = 0;
  float cosine = 0;
  SinCos(kInfinity, &sine, &cosine);
  EXPECT_TRUE(std::isnan(sine) && std::isnan(cosine));
  SinCos(0x1p31f, &sine, &cosine);
  EXPECT_TRUE(std::isnan(sine) && std::isnan(cosine));
}

TEST(MathTest, SigmoidIsWithinAnUlp) {
  double worst = 0;
  for (float x = -80.0f; x < 80.0f; x += 0.00041f)
    worst = std::fmax(worst, UlpError(Sigmoid(x), 1 / (1 + std::exp(-static_cast<double>(x)))));
  EXPECT_LE(worst, 0.51);
  EXPECT_EQ(Sigmoid(0.0f), 0.5f);
  EXPECT_EQ(Sigmoid(kInfinity), 1.0f);
  EXPECT_EQ(Sigmoid(-kInfinity), 0.0f);
  EXPECT_TRUE(std::isnan(Sigmoid(NAN)));
}

}  // namespace
}  // namespace baleen
