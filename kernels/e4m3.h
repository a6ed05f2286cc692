// FP32 into FP8-E4M3, on every device.
#ifndef BALEEN_KERNELS_E4M3_H_
#define BALEEN_KERNELS_E4M3_H_

#include <algorithm>
#include <bit>
#include <cstdint>

#include "kernels/host_device.h"

namespace baleen {

// The nearest e4m3fn code, ties to even; beyond +-448 the greatest; NaN stays NaN.
BALEEN_HOST_DEVICE constexpr uint8_t F32ToF8E4m3(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  const uint8_t sign = static_cast<uint8_t>(bits >> 24 & 0x80u);
  const uint32_t magnitude = bits & 0x7fffffffu;
  if (magnitude > 0x7f800000u) return sign | 0x7f;
  // 3 mantissa bits down to 2^-6; below, multiples of 2^-9.
  if (magnitude >= 0x3c800000u) {
    const uint32_t rounded = magnitude + 0x7ffffu + (magnitude >> 20 & 1u);
    return sign | static_cast<uint8_t>(std::min((rounded >> 20) - (120u << 3), 0x7eu));
  }
  const float scaled = std::bit_cast<float>(magnitude) * 512.0f;
  return sign | static_cast<uint8_t>(scaled + 12582912.0f - 12582912.0f);
}

}  // namespace baleen

#endif  // BALEEN_KERNELS_E4M3_H_
