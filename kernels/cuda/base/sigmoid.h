// 1 / (1 + e^-x) in FP32 for the hot loops: the same bits on host and device, since only fma, * and / are used, which IEEE 754 fixes.
#ifndef BALEEN_KERNELS_CUDA_BASE_SIGMOID_H_
#define BALEEN_KERNELS_CUDA_BASE_SIGMOID_H_

#include <bit>
#include <cmath>
#include <cstdint>

#include "kernels/cuda/base/division.h"
#include "kernels/host_device.h"

namespace baleen::cuda {

// Relative error below 1e-6 for |x| <= 80; beyond, x counts as +-80. NaN stays NaN.
BALEEN_HOST_DEVICE inline float SigmoidF32(float x) {
  const float bounded = x > 80.0f ? 80.0f : x < -80.0f ? -80.0f : x;
  // e^-x = 2^n e^r with |r| <= ln(2) / 2; adding 1.5 * 2^23 rounds to the nearest integer.
  constexpr float kRounder = 12582912.0f;
  const float shifted = fmaf(-bounded, 1.44269504f, kRounder);
  const float n = shifted - kRounder;
  const float r = fmaf(n, -1.42860677e-6f, fmaf(n, -0.693145752f, -bounded));
  float p = 1.0f / 720;
  p = fmaf(p, r, 1.0f / 120);
  p = fmaf(p, r, 1.0f / 24);
  p = fmaf(p, r, 1.0f / 6);
  p = fmaf(p, r, 0.5f);
  p = fmaf(p, r, 1.0f);
  p = fmaf(p, r, 1.0f);
  const float power = std::bit_cast<float>((std::bit_cast<uint32_t>(shifted) + 127u) << 23);
  return UsualReciprocal(fmaf(p, power, 1.0f));
}

}  // namespace baleen::cuda

#endif  // BALEEN_KERNELS_CUDA_BASE_SIGMOID_H_
