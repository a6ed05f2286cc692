// The flag that says what a worker computes on: --device.
#ifndef BALEEN_SERVICES_COMMON_DEVICE_FLAGS_H_
#define BALEEN_SERVICES_COMMON_DEVICE_FLAGS_H_

#include <string_view>

#include "absl/status/statusor.h"
#include "model/layers/numerics.h"

namespace baleen {

// "cpu", "cuda" or "cuda-emulated". INVALID_ARGUMENT for other words and for what this build lacks, FAILED_PRECONDITION where this machine
// has no GPU that the build can use; both say what is missing.
absl::StatusOr<Device> ParseDevice(std::string_view name);

absl::StatusOr<Device> DeviceFromFlags();

}  // namespace baleen

#endif  // BALEEN_SERVICES_COMMON_DEVICE_FLAGS_H_
