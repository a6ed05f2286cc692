// The MTP layer's input on a GPU, from the rows that a step left.
#ifndef BALEEN_SERVICES_ATTENTION_ENGINE_CUDA_DRAFT_ROWS_H_
#define BALEEN_SERVICES_ATTENTION_ENGINE_CUDA_DRAFT_ROWS_H_

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/dtype.h"
#include "kernels/cuda/base/device.h"
#include "model/cuda/device_network_weights.h"
#include "services/attention/engine/cuda_scratch.h"

namespace baleen {

// One draft at a time; all calls enqueue.
class CudaDraftRows {
 public:
  static absl::StatusOr<CudaDraftRows> Allocate(int64_t max_rows, int64_t hidden);

  // Takes rows `rows` (ascending) of the `step_rows` in scratch.normed: hidden states behind the main model's last norm.
  absl::Status Take(const std::vector<int64_t>& rows, int64_t step_rows, const CudaScratch& scratch, cuda::Stream stream);
  // scratch.residual holds the embeddings of as many next tokens; it becomes the layer's input.
  absl::Status Project(const DeviceMtpWeights& weights, float eps, CudaScratch& scratch, cuda::Stream stream);
  // Leaves `rows` (ascending) of the residual as its first ones.
  absl::Status Pick(const std::vector<int64_t>& rows, CudaScratch& scratch, cuda::Stream stream);

 private:
  // Where row r of `count` goes: its place in `rows`, or nowhere.
  absl::Status UploadSlots(const std::vector<int64_t>& rows, int64_t count, int which, cuda::Stream stream);

  int64_t hidden_ = 0;
  int64_t taken_ = 0;
  cuda::PinnedMemory host_slots_[2];  // Of Take and of Pick: the first is still being copied when the second is written.
  cuda::DeviceMemory slots_[2];
  cuda::DeviceMemory hidden_rows_;  // BF16 [rows, hidden]
  cuda::DeviceMemory normed_;       // BF16 [rows, hidden]
  cuda::DeviceMemory pairs_;        // BF16 [rows, 2, hidden]: next token's embedding, hidden state
  cuda::DeviceMemory picked_;       // F32 [rows, hidden]
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_ATTENTION_ENGINE_CUDA_DRAFT_ROWS_H_
