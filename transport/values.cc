#include "transport/values.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace baleen {

namespace {

static_assert(std::endian::native == std::endian::little, "payloads are little-endian");

// Whole blocks have a constant length, which the compiler turns into vector code.
constexpr int64_t kBlock = 32;

}  // namespace

void ValuesToWire(const float* values, int64_t count, DType type, std::byte* wire) {
  if (count == 0) return;
  if (type == DType::kF32) {
    std::memcpy(wire, values, static_cast<size_t>(count) * sizeof(float));
    return;
  }
  Bf16 block[kBlock];
  for (int64_t at = 0; at < count; at += kBlock) {
    const int64_t size = std::min(kBlock, count - at);
    if (size == kBlock) {
      for (int64_t i = 0; i < kBlock; ++i) block[i] = F32ToBf16(values[at + i]);
    } else {
      for (int64_t i = 0; i < size; ++i) block[i] = F32ToBf16(values[at + i]);
    }
    std::memcpy(wire + at * sizeof(Bf16), block, static_cast<size_t>(size) * sizeof(Bf16));
  }
}

void ValuesFromWire(const std::byte* wire, int64_t count, DType type, float* values) {
  if (count == 0) return;
  if (type == DType::kF32) {
    std::memcpy(values, wire, static_cast<size_t>(count) * sizeof(float));
    return;
  }
  Bf16 block[kBlock];
  for (int64_t at = 0; at < count; at += kBlock) {
    const int64_t size = std::min(kBlock, count - at);
    std::memcpy(block, wire + at * sizeof(Bf16), static_cast<size_t>(size) * sizeof(Bf16));
    if (size == kBlock) {
      for (int64_t i = 0; i < kBlock; ++i) values[at + i] = Bf16ToF32(block[i]);
    } else {
      for (int64_t i = 0; i < size; ++i) values[at + i] = Bf16ToF32(block[i]);
    }
  }
}

}  // namespace baleen
