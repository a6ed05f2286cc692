// Runs of FP32 values <-> the raw little-endian bytes in which they travel.
#ifndef BALEEN_BASE_VALUES_H_
#define BALEEN_BASE_VALUES_H_

#include <cstddef>
#include <cstdint>

#include "base/dtype.h"

namespace baleen {

// `type` is kF32 or kBf16. `wire` holds count * SizeOf(type) bytes and may be unaligned. The same bits on every CPU.
void ValuesToWire(const float* values, int64_t count, DType type, std::byte* wire);  // BF16: rounded to nearest even.
void ValuesFromWire(const std::byte* wire, int64_t count, DType type, float* values);

}  // namespace baleen

#endif  // BALEEN_BASE_VALUES_H_
