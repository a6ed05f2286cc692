// The raw little-endian values of payloads.
#ifndef BALEEN_TRANSPORT_VALUES_H_
#define BALEEN_TRANSPORT_VALUES_H_

#include <cstddef>
#include <cstdint>

#include "base/dtype.h"

namespace baleen {

// `type` is kF32 or kBf16. `wire` holds count * SizeOf(type) bytes and may be unaligned.
void ValuesToWire(const float* values, int64_t count, DType type, std::byte* wire);  // BF16: rounded to nearest even.
void ValuesFromWire(const std::byte* wire, int64_t count, DType type, float* values);

}  // namespace baleen

#endif  // BALEEN_TRANSPORT_VALUES_H_
