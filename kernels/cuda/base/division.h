// Divisions to the bit without the branches that a compiler guards them with: those take care of quotients out of the usual range.
#ifndef BALEEN_KERNELS_CUDA_BASE_DIVISION_H_
#define BALEEN_KERNELS_CUDA_BASE_DIVISION_H_

#include <cmath>

#include "kernels/host_device.h"

namespace baleen::cuda {

// 1 / x for 2^-20 <= x < 2^120, or NaN.
BALEEN_HOST_DEVICE inline float UsualReciprocal(float x) {
#ifdef __CUDA_ARCH__
  float near;
  asm("rcp.approx.ftz.f32 %0, %1;" : "=f"(near) : "f"(x));
  return fmaf(near, fmaf(-x, near, 1.0f), near);
#else
  return 1.0f / x;
#endif
}

// Divides many by one.
struct UsualDivision {
  float divisor = 1;
  float reciprocal = 1;

  UsualDivision() = default;
  BALEEN_HOST_DEVICE explicit UsualDivision(float by) : divisor(by), reciprocal(UsualReciprocal(by)) {}

  BALEEN_HOST_DEVICE static bool Fits(float divisor) { return divisor >= 0x1p-20f && divisor <= 0x1p20f; }
  // x / divisor, of one that fits, for 2^-60 <= |x| <= 2^60. Of a smaller x, some quotient below 2^-39; of a greater one, one above 2^39 or
  // a NaN.
  BALEEN_HOST_DEVICE float Of(float x) const {
#ifdef __CUDA_ARCH__
    const float near = x * reciprocal;
    return fmaf(fmaf(-divisor, near, x), reciprocal, near);
#else
    return x / divisor;
#endif
  }
};

}  // namespace baleen::cuda

#endif  // BALEEN_KERNELS_CUDA_BASE_DIVISION_H_
