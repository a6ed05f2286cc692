// The way of a GPU's rows through pinned host memory to an ExpertBackend and back.
#ifndef BALEEN_SERVICES_ATTENTION_ENGINE_STAGED_EXPERTS_H_
#define BALEEN_SERVICES_ATTENTION_ENGINE_STAGED_EXPERTS_H_

#include <cstdint>
#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/dtype.h"
#include "kernels/cuda/base/device.h"
#include "model/layers/expert_backend.h"

namespace baleen {

// One batch at a time.
class StagedExperts {
 public:
  // Where the outputs of (row, k) lie, as kernels/cuda/permute/permute.h's Combine takes them.
  struct Outputs {
    const Bf16* y = nullptr;
    const int32_t* slots = nullptr;
  };

  static absl::StatusOr<StagedExperts> Allocate(int64_t max_rows, int64_t hidden, int64_t top_k);

  // Enqueues the copies of rows [rows, hidden] and ids [rows, top_k] to the host.
  absl::Status Fetch(const Bf16* rows, const int32_t* ids, int64_t count, cuda::Stream stream);
  // Waits for what Fetch copies, not for what the stream was given after it, and starts the batch.
  absl::StatusOr<std::unique_ptr<PendingExperts>> Dispatch(ExpertBackend& experts, int layer, absl::Time deadline);
  // Waits for the batch, and enqueues the copy of its outputs to the device. Afterwards nothing is in flight at the backend.
  absl::StatusOr<Outputs> Return(std::unique_ptr<PendingExperts> pending, cuda::Stream stream);

 private:
  StagedExperts(int64_t hidden, int64_t top_k) : hidden_(hidden), top_k_(top_k) {}

  int64_t hidden_;
  int64_t top_k_;
  int64_t count_ = 0;
  cuda::DeviceEvent fetched_;
  cuda::PinnedMemory rows_;                     // BF16 [rows, hidden]
  cuda::PinnedMemory ids_;                      // [rows, top_k]
  cuda::PinnedMemory outputs_;                  // BF16 [rows, top_k, hidden]
  cuda::DeviceMemory device_outputs_;           // The same.
  cuda::DeviceMemory slots_;                    // 0, 1, 2, ...
  std::unique_ptr<const std::byte*[]> places_;  // [rows, top_k]
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_ATTENTION_ENGINE_STAGED_EXPERTS_H_
