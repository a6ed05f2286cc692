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
#include "model/cuda/device_status.h"
#include "model/layers/expert_backend.h"

namespace baleen {

// One batch at a time.
class StagedExperts {
 public:
  static absl::StatusOr<StagedExperts> Allocate(int64_t max_rows, int64_t hidden, int64_t top_k);

  // A step of `rows`, filled up to `padded` by copies of the first one: they take its outputs, so that they stay copies. The last step is
  // over.
  absl::Status Begin(int64_t rows, int64_t padded, cuda::Stream stream);
  // Enqueues the copies of rows [count, hidden] and ids [count, top_k] to the host. A recorded graph may hold them.
  absl::Status Fetch(const Bf16* rows, const int32_t* ids, int64_t count, cuda::Stream stream);
  // Behind them in the stream, and in no graph: what Exchange waits for.
  absl::Status Mark(cuda::Stream stream) { return FromDevice(fetched_.Record(stream)); }
  // Waits for the copies, starts the batch of the step's rows, waits for it, and enqueues the copy of its outputs to the device. Afterwards
  // nothing is in flight at the backend.
  absl::Status Exchange(ExpertBackend& experts, int layer, absl::Time deadline, cuda::Stream stream);

  // Whether the step's error is the backend's.
  bool lost() const { return lost_; }

  // Where output (row, k) is then, as kernels/cuda/permute/permute.h's Combine takes it; always the same memory.
  const Bf16* y() const { return device_outputs_.As<Bf16>(); }
  const int32_t* slots() const { return slots_.As<int32_t>(); }

 private:
  StagedExperts(int64_t hidden, int64_t top_k) : hidden_(hidden), top_k_(top_k) {}

  int64_t hidden_;
  int64_t top_k_;
  int64_t rows_of_step_ = 0;
  bool lost_ = false;
  cuda::DeviceEvent fetched_;
  cuda::PinnedMemory rows_;                     // BF16 [rows, hidden]
  cuda::PinnedMemory ids_;                      // [rows, top_k]
  cuda::PinnedMemory outputs_;                  // BF16 [rows, top_k, hidden]
  cuda::DeviceMemory device_outputs_;           // The same.
  cuda::PinnedMemory host_slots_;               // [rows, top_k]
  cuda::DeviceMemory slots_;                    // The same.
  std::unique_ptr<const std::byte*[]> places_;  // [rows, top_k]
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_ATTENTION_ENGINE_STAGED_EXPERTS_H_
