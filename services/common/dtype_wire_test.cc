#include "services/common/dtype_wire.h"

#include <gtest/gtest.h>

#include <string>

namespace baleen {
namespace {

TEST(DTypeWireTest, BothFormatsComeBack) {
  EXPECT_EQ(DTypeToWire(DType::kF32), v1::DTYPE_F32);
  EXPECT_EQ(DTypeToWire(DType::kBf16), v1::DTYPE_BF16);
  for (const DType dtype : {DType::kF32, DType::kBf16}) EXPECT_EQ(DTypeFromWire(DTypeToWire(dtype)).value(), dtype);
}

TEST(DTypeWireTest, OthersAreRefused) {
  for (const int wire : {0, 3, -1}) {
    const absl::Status status = DTypeFromWire(static_cast<v1::DType>(wire)).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << wire;
    EXPECT_EQ(status.message(), "dtype " + std::to_string(wire) + " is not known");
  }
}

}  // namespace
}  // namespace baleen
