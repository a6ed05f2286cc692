// kernels/math.h for loops that inline it, so that a compiler can vectorise it without changing a bit, and for GPUs.
//
// Inside, all is double: a float result is then rounded once, and neither Cody-Waite splits nor fma are needed to stay below an ulp.
// Only + - * / are used, which IEEE 754 fixes to the bit. What returns a double does not branch.
#ifndef BALEEN_KERNELS_MATH_INLINE_H_
#define BALEEN_KERNELS_MATH_INLINE_H_

#include <bit>
#include <cstdint>
#include <limits>

#include "kernels/host_device.h"

#define BALEEN_MATH_INLINE BALEEN_HOST_DEVICE __attribute__((always_inline)) inline

namespace baleen::math {

constexpr double kLog2E = 1.4426950408889634;
constexpr double kLn2 = 0.6931471805599453;
// 1.5 * 2^52: adding it rounds to the nearest integer, which then stands in the lowest bits.
constexpr double kRounder = 6755399441055744.0;

BALEEN_MATH_INLINE double RoundToInteger(double x) { return (x + kRounder) - kRounder; }

// e^x for |x| <= 700, relative error < 1e-10: Taylor to degree 9 on |r| <= ln(2) / 2.
BALEEN_MATH_INLINE double ExpDouble(double x) {
  const double shifted = x * kLog2E + kRounder;
  const double r = x - (shifted - kRounder) * kLn2;
  double p = 1.0 / 362880;
  p = p * r + 1.0 / 40320;
  p = p * r + 1.0 / 5040;
  p = p * r + 1.0 / 720;
  p = p * r + 1.0 / 120;
  p = p * r + 1.0 / 24;
  p = p * r + 1.0 / 6;
  p = p * r + 0.5;
  p = p * r + 1.0;
  p = p * r + 1.0;
  return p * std::bit_cast<double>((std::bit_cast<uint64_t>(shifted) + 1023) << 52);
}

// sin r and cos r for |r| <= pi / 4, errors < 1e-12: Taylor to degrees 13 and 14.
BALEEN_MATH_INLINE double SinReduced(double r) {
  const double s = r * r;
  double p = 1.0 / 6227020800.0;
  p = p * s - 1.0 / 39916800;
  p = p * s + 1.0 / 362880;
  p = p * s - 1.0 / 5040;
  p = p * s + 1.0 / 120;
  p = p * s - 1.0 / 6;
  return r + r * s * p;
}

BALEEN_MATH_INLINE double CosReduced(double r) {
  const double s = r * r;
  double p = -1.0 / 87178291200.0;
  p = p * s + 1.0 / 479001600;
  p = p * s - 1.0 / 3628800;
  p = p * s + 1.0 / 40320;
  p = p * s - 1.0 / 720;
  p = p * s + 1.0 / 24;
  p = p * s - 0.5;
  return 1.0 + s * p;
}

// NaN stays NaN.
BALEEN_MATH_INLINE double SigmoidDouble(double x) {
  const double below = x > 700.0 ? 700.0 : x;
  const double bounded = below < -700.0 ? -700.0 : below;
  return 1.0 / (1.0 + ExpDouble(-bounded));
}

BALEEN_MATH_INLINE float Sigmoid(float x) { return static_cast<float>(SigmoidDouble(x)); }

BALEEN_MATH_INLINE float Exp(float x) {
  if (x != x) return x;
  if (x < -104.0f) return 0.0f;
  if (x > 88.8f) return std::numeric_limits<float>::infinity();
  return static_cast<float>(ExpDouble(x));
}

BALEEN_MATH_INLINE float Log(float x) {
  if (x != x || x == std::numeric_limits<float>::infinity()) return x;
  if (x < 0) return std::numeric_limits<float>::quiet_NaN();
  if (x == 0) return -std::numeric_limits<float>::infinity();
  // x = 2^exponent * m with m in [sqrt(1/2), sqrt(2)); every float is normal as a double.
  const uint64_t bits = std::bit_cast<uint64_t>(static_cast<double>(x));
  int exponent = static_cast<int>(bits >> 52) - 1023;
  double m = std::bit_cast<double>((bits & 0xfffffffffffffu) | 0x3ff0000000000000u);
  if (m > 1.4142135623730951) {
    m *= 0.5;
    ++exponent;
  }
  // log m = 2 atanh(s), s = (m - 1) / (m + 1), |s| < 0.172: the series to s^17 errs by less than 1e-15 of it.
  const double s = (m - 1.0) / (m + 1.0);
  const double t = s * s;
  double p = 1.0 / 17;
  p = p * t + 1.0 / 15;
  p = p * t + 1.0 / 13;
  p = p * t + 1.0 / 11;
  p = p * t + 1.0 / 9;
  p = p * t + 1.0 / 7;
  p = p * t + 1.0 / 5;
  p = p * t + 1.0 / 3;
  p = p * t + 1.0;
  return static_cast<float>(exponent * kLn2 + 2.0 * s * p);
}

BALEEN_MATH_INLINE void SinCos(float angle, float* sine, float* cosine) {
  if (!(angle >= -0x1p30f && angle <= 0x1p30f)) {
    *sine = *cosine = std::numeric_limits<float>::quiet_NaN();
    return;
  }
  // pi / 2 in two parts; the first has 33 significant bits, so its product with k < 2^20 is exact.
  constexpr double kHalfPiHigh = 1.57079632673412561417e+00;
  constexpr double kHalfPiLow = 6.07710050650619224932e-11;
  const double k = RoundToInteger(angle * 0.6366197723675814);
  const double r = (angle - k * kHalfPiHigh) - k * kHalfPiLow;
  const double s = SinReduced(r);
  const double c = CosReduced(r);
  switch (static_cast<int64_t>(k) & 3) {
    case 0:
      *sine = static_cast<float>(s), *cosine = static_cast<float>(c);
      break;
    case 1:
      *sine = static_cast<float>(c), *cosine = static_cast<float>(-s);
      break;
    case 2:
      *sine = static_cast<float>(-s), *cosine = static_cast<float>(-c);
      break;
    default:
      *sine = static_cast<float>(-c), *cosine = static_cast<float>(s);
      break;
  }
}

}  // namespace baleen::math

#undef BALEEN_MATH_INLINE

#endif  // BALEEN_KERNELS_MATH_INLINE_H_
