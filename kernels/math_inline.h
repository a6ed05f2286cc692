// The cores of kernels/math.h that loops inline, so that a compiler can vectorise them without changing a bit.
//
// Inside, all is double: a float result is then rounded once, and neither Cody-Waite splits nor fma are needed to stay below an ulp.
// Only + - * / are used, which IEEE 754 fixes to the bit. Nothing branches.
#ifndef BALEEN_KERNELS_MATH_INLINE_H_
#define BALEEN_KERNELS_MATH_INLINE_H_

#include <bit>
#include <cstdint>

namespace baleen::math {

constexpr double kLog2E = 1.4426950408889634;
constexpr double kLn2 = 0.6931471805599453;
// 1.5 * 2^52: adding it rounds to the nearest integer, which then stands in the lowest bits.
constexpr double kRounder = 6755399441055744.0;

__attribute__((always_inline)) inline double RoundToInteger(double x) { return (x + kRounder) - kRounder; }

// e^x for |x| <= 700, relative error < 1e-10: Taylor to degree 9 on |r| <= ln(2) / 2.
__attribute__((always_inline)) inline double ExpDouble(double x) {
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

// NaN stays NaN.
__attribute__((always_inline)) inline double SigmoidDouble(double x) {
  const double below = x > 700.0 ? 700.0 : x;
  const double bounded = below < -700.0 ? -700.0 : below;
  return 1.0 / (1.0 + ExpDouble(-bounded));
}

}  // namespace baleen::math

#endif  // BALEEN_KERNELS_MATH_INLINE_H_
