// The device's word as the services' own.
#ifndef BALEEN_MODEL_CUDA_DEVICE_STATUS_H_
#define BALEEN_MODEL_CUDA_DEVICE_STATUS_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "kernels/cuda/base/status.h"

namespace baleen {

// INTERNAL for what the device or a launcher complains of: neither can be put right while the process runs.
inline absl::Status FromDevice(const cuda::Status& status) {
  return status.ok() ? absl::OkStatus() : absl::InternalError(status.message());
}

// RESOURCE_EXHAUSTED for an allocation of `bytes` that failed; `what` goes on behind "bytes ".
inline absl::Status HasRoom(const cuda::Status& allocated, int64_t bytes, absl::string_view what) {
  if (allocated.ok()) return absl::OkStatus();
  return absl::ResourceExhaustedError(absl::StrCat(bytes, " bytes ", what, ": ", allocated.message()));
}

}  // namespace baleen

#endif  // BALEEN_MODEL_CUDA_DEVICE_STATUS_H_
