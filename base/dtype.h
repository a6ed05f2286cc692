// Number formats of weights, activations and KV, and their conversions (model spec section 11, items 14 and 15).
#ifndef BALEEN_BASE_DTYPE_H_
#define BALEEN_BASE_DTYPE_H_

#include <bit>
#include <cstddef>
#include <cstdint>

namespace baleen {

enum class DType : uint8_t { kF32, kBf16, kF8E4m3, kI8 };

constexpr size_t SizeOf(DType type) { return type == DType::kF32 ? 4 : type == DType::kBf16 ? 2 : 1; }

constexpr const char* NameOf(DType type) {
  constexpr const char* kNames[] = {"F32", "BF16", "F8_E4M3", "I8"};
  return kNames[static_cast<int>(type)];
}

using Bf16 = uint16_t;  // Raw bits.

constexpr float Bf16ToF32(Bf16 bits) { return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16); }

// Round to nearest, ties to even; NaN stays NaN.
constexpr Bf16 F32ToBf16(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  if ((bits & 0x7fffffffu) > 0x7f800000u) return static_cast<Bf16>((bits >> 16) | 0x40u);
  return static_cast<Bf16>((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}

// e4m3fn: bias 7, no infinity, 0x7f and 0xff are NaN.
constexpr float F8E4m3ToF32(uint8_t code) {
  const uint32_t sign = static_cast<uint32_t>(code & 0x80u) << 24;
  const uint32_t exponent = (code >> 3) & 0xfu;
  const uint32_t mantissa = code & 7u;
  if (exponent == 0xfu && mantissa == 7u) return std::bit_cast<float>(sign | 0x7fc00000u);
  if (exponent == 0) {
    const float magnitude = static_cast<float>(mantissa) * 0x1p-9f;
    return sign != 0 ? -magnitude : magnitude;
  }
  return std::bit_cast<float>(sign | ((exponent + 120u) << 23) | (mantissa << 20));
}

}  // namespace baleen

#endif  // BALEEN_BASE_DTYPE_H_
