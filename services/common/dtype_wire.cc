#include "services/common/dtype_wire.h"

#include "absl/strings/str_cat.h"

namespace baleen {

v1::DType DTypeToWire(DType dtype) { return dtype == DType::kF32 ? v1::DTYPE_F32 : v1::DTYPE_BF16; }

absl::StatusOr<DType> DTypeFromWire(v1::DType wire) {
  if (wire == v1::DTYPE_F32) return DType::kF32;
  if (wire == v1::DTYPE_BF16) return DType::kBf16;
  return absl::InvalidArgumentError(absl::StrCat("dtype ", static_cast<int>(wire), " is not known"));
}

}  // namespace baleen
