// Floats as integers in the same order, so that maxima and ranks need no floating-point comparison.
#ifndef BALEEN_KERNELS_CUDA_BASE_ORDERED_KEY_H_
#define BALEEN_KERNELS_CUDA_BASE_ORDERED_KEY_H_

#include <bit>
#include <cstdint>

#include "kernels/host_device.h"

namespace baleen::cuda {

// a < b exactly when OrderedKey(a) < OrderedKey(b); both zeros are equal; a NaN is minus infinity. Never 0.
BALEEN_HOST_DEVICE constexpr uint32_t OrderedKey(float value) {
  if (value != value) return 0x007fffffu;
  const uint32_t bits = std::bit_cast<uint32_t>(value + 0.0f);  // -0 + 0 is 0.
  return bits >> 31 != 0 ? ~bits : bits | 0x80000000u;
}

// The value of a key; a zero is positive.
BALEEN_HOST_DEVICE constexpr float ValueOfKey(uint32_t key) { return std::bit_cast<float>(key >> 31 != 0 ? key & 0x7fffffffu : ~key); }

// Greater value first, then the lower index.
BALEEN_HOST_DEVICE constexpr uint64_t RankOf(float value, uint32_t index) {
  return static_cast<uint64_t>(OrderedKey(value)) << 32 | (0xffffffffu - index);
}
BALEEN_HOST_DEVICE constexpr uint32_t IndexOfRank(uint64_t rank) { return 0xffffffffu - static_cast<uint32_t>(rank); }

}  // namespace baleen::cuda

#endif  // BALEEN_KERNELS_CUDA_BASE_ORDERED_KEY_H_
