// Number formats between services.
#ifndef BALEEN_SERVICES_COMMON_DTYPE_WIRE_H_
#define BALEEN_SERVICES_COMMON_DTYPE_WIRE_H_

#include "absl/status/statusor.h"
#include "base/dtype.h"
#include "proto/baleen/v1/common.pb.h"

namespace baleen {

// kF32 or kBf16: rows and KV are sent in no other.
v1::DType DTypeToWire(DType dtype);

// INVALID_ARGUMENT for any other than these two.
absl::StatusOr<DType> DTypeFromWire(v1::DType wire);

}  // namespace baleen

#endif  // BALEEN_SERVICES_COMMON_DTYPE_WIRE_H_
