// The device's word as the services' own.
#ifndef BALEEN_MODEL_CUDA_DEVICE_STATUS_H_
#define BALEEN_MODEL_CUDA_DEVICE_STATUS_H_

#include "absl/status/status.h"
#include "kernels/cuda/base/status.h"

namespace baleen {

// INTERNAL for what the device or a launcher complains of: neither can be put right while the process runs.
inline absl::Status FromDevice(const cuda::Status& status) {
  return status.ok() ? absl::OkStatus() : absl::InternalError(status.message());
}

}  // namespace baleen

#endif  // BALEEN_MODEL_CUDA_DEVICE_STATUS_H_
