// Activations into FP8-E4M3, a scale for each row and 128 channels (model spec section 5). The same bits on host and device.
#ifndef BALEEN_KERNELS_CUDA_BASE_QUANTIZE_ROW_H_
#define BALEEN_KERNELS_CUDA_BASE_QUANTIZE_ROW_H_

#include <cstdint>

#include "kernels/e4m3.h"
#include "kernels/host_device.h"

namespace baleen::cuda {

inline constexpr int kScaleBlock = 128;          // Channels that share a scale.
inline constexpr float kLeastMagnitude = 1e-4f;  // Blocks of less are scaled as if this were their greatest.

// value = code * scale; code = E4M3(value * inverse).
struct BlockScale {
  float scale;
  float inverse;
};
BALEEN_HOST_DEVICE constexpr BlockScale ScaleOf(float greatest) {
  const float scale = (greatest > kLeastMagnitude ? greatest : kLeastMagnitude) / 448.0f;
  return {scale, 1.0f / scale};
}

// Four codes, the first in the lowest byte. (A NaN's sign may be lost on the device.)
BALEEN_HOST_DEVICE inline uint32_t QuantizeFour(float a, float b, float c, float d, float inverse) {
#ifdef __CUDA_ARCH__
  uint16_t low;
  uint16_t high;
  asm("cvt.rn.satfinite.e4m3x2.f32 %0, %1, %2;" : "=h"(low) : "f"(b * inverse), "f"(a * inverse));
  asm("cvt.rn.satfinite.e4m3x2.f32 %0, %1, %2;" : "=h"(high) : "f"(d * inverse), "f"(c * inverse));
  return low | static_cast<uint32_t>(high) << 16;
#else
  return static_cast<uint32_t>(F32ToF8E4m3(a * inverse)) | static_cast<uint32_t>(F32ToF8E4m3(b * inverse)) << 8 |
         static_cast<uint32_t>(F32ToF8E4m3(c * inverse)) << 16 | static_cast<uint32_t>(F32ToF8E4m3(d * inverse)) << 24;
#endif
}

}  // namespace baleen::cuda

#endif  // BALEEN_KERNELS_CUDA_BASE_QUANTIZE_ROW_H_
