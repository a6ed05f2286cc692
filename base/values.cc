#include "base/values.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace baleen {

namespace {

static_assert(std::endian::native == std::endian::little, "payloads are little-endian");

// Whole blocks have a constant length, which the compiler turns into vector code.
constexpr int64_t kBlock = 64;

__attribute__((always_inline)) inline void ToBf16Loop(const float* values, int64_t count, std::byte* wire) {
  Bf16 block[kBlock];
  int64_t at = 0;
  for (; at + kBlock <= count; at += kBlock) {
    for (int64_t i = 0; i < kBlock; ++i) block[i] = F32ToBf16(values[at + i]);
    std::memcpy(wire + at * static_cast<int64_t>(sizeof(Bf16)), block, sizeof(block));
  }
  for (int64_t i = 0; i < count - at; ++i) block[i] = F32ToBf16(values[at + i]);
  std::memcpy(wire + at * static_cast<int64_t>(sizeof(Bf16)), block, static_cast<size_t>(count - at) * sizeof(Bf16));
}

__attribute__((always_inline)) inline void FromBf16Loop(const std::byte* wire, int64_t count, float* values) {
  Bf16 block[kBlock];
  int64_t at = 0;
  for (; at + kBlock <= count; at += kBlock) {
    std::memcpy(block, wire + at * static_cast<int64_t>(sizeof(Bf16)), sizeof(block));
    for (int64_t i = 0; i < kBlock; ++i) values[at + i] = Bf16ToF32(block[i]);
  }
  std::memcpy(block, wire + at * static_cast<int64_t>(sizeof(Bf16)), static_cast<size_t>(count - at) * sizeof(Bf16));
  for (int64_t i = 0; i < count - at; ++i) values[at + i] = Bf16ToF32(block[i]);
}

// Compiled for wider registers too, for speed alone: all of it is integer arithmetic.
void ToBf16Plain(const float* values, int64_t count, std::byte* wire) { ToBf16Loop(values, count, wire); }
void FromBf16Plain(const std::byte* wire, int64_t count, float* values) { FromBf16Loop(wire, count, values); }

#if defined(__x86_64__)
#define BALEEN_WIDE __attribute__((target("avx512f,avx512bw,avx512vl,prefer-vector-width=512")))
BALEEN_WIDE void ToBf16Wide(const float* values, int64_t count, std::byte* wire) { ToBf16Loop(values, count, wire); }
BALEEN_WIDE void FromBf16Wide(const std::byte* wire, int64_t count, float* values) { FromBf16Loop(wire, count, values); }
#undef BALEEN_WIDE
__attribute__((target("avx2"))) void ToBf16Avx2(const float* values, int64_t count, std::byte* wire) { ToBf16Loop(values, count, wire); }
__attribute__((target("avx2"))) void FromBf16Avx2(const std::byte* wire, int64_t count, float* values) {
  FromBf16Loop(wire, count, values);
}

bool HasWide() { return __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl"); }
#endif

auto PickToBf16() {
#if defined(__x86_64__)
  if (HasWide()) return ToBf16Wide;
  if (__builtin_cpu_supports("avx2")) return ToBf16Avx2;
#endif
  return ToBf16Plain;
}

auto PickFromBf16() {
#if defined(__x86_64__)
  if (HasWide()) return FromBf16Wide;
  if (__builtin_cpu_supports("avx2")) return FromBf16Avx2;
#endif
  return FromBf16Plain;
}

}  // namespace

void ValuesToWire(const float* values, int64_t count, DType type, std::byte* wire) {
  static const auto to_bf16 = PickToBf16();
  if (count == 0) return;
  if (type == DType::kF32) {
    std::memcpy(wire, values, static_cast<size_t>(count) * sizeof(float));
  } else {
    to_bf16(values, count, wire);
  }
}

void ValuesFromWire(const std::byte* wire, int64_t count, DType type, float* values) {
  static const auto from_bf16 = PickFromBf16();
  if (count == 0) return;
  if (type == DType::kF32) {
    std::memcpy(values, wire, static_cast<size_t>(count) * sizeof(float));
  } else {
    from_bf16(wire, count, values);
  }
}

}  // namespace baleen
