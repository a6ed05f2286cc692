// What experts do to rows that are on the device already: products, SwiGLU, products.
#ifndef BALEEN_MODEL_CUDA_EXPERT_PRODUCTS_H_
#define BALEEN_MODEL_CUDA_EXPERT_PRODUCTS_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "base/dtype.h"
#include "kernels/cuda/base/device.h"
#include "kernels/cuda/base/status.h"
#include "model/cuda/device_expert_weights.h"

namespace baleen {

// The scratch of one stream; one batch at a time.
//
// Row-invariant: an output depends on its row and its expert alone. In FP8 rows are quantised as they come in and again behind SwiGLU, each
// 128 channels on their own.
class ExpertProducts {
 public:
  // Rows of one layer's batch, by group. All pointers are to device memory.
  struct Batch {
    const DeviceExpertLayer* layer = nullptr;
    int64_t rows = 0;
    int top_k = 0;                        // 1 to 64.
    const Bf16* x = nullptr;              // [rows, hidden], 16-byte aligned
    const int32_t* slots = nullptr;       // [rows, top_k]: where copy (row, k) lies among the slots, or -1
    const int32_t* group_rows = nullptr;  // [groups + 1]: where the slots of each group begin
    int64_t slot_count = 0;               // At least group_rows[groups].
    int64_t expected_rows = 0;            // Of a group; changes no bit (GemmArgs::expected_rows).
  };

  // RESOURCE_EXHAUSTED when the device has no room.
  static absl::StatusOr<ExpertProducts> Create(const ExpertFormat& format, int64_t max_rows, int64_t max_slots);

  // Enqueues the batch, of at most max_rows and max_slots; waits for nothing.
  cuda::Status Enqueue(const Batch& batch, cuda::Stream stream);
  // [slots, hidden], unweighted, until the next batch is enqueued. Slots of no group hold anything.
  Bf16* y() const { return y_.As<Bf16>(); }

 private:
  ExpertProducts(const ExpertFormat& format, int64_t max_rows, int64_t max_slots)
      : format_(format), max_rows_(max_rows), max_slots_(max_slots) {}
  cuda::Status Gather(const Batch& batch, cuda::Stream stream) const;
  cuda::Status GateAndUp(const Batch& batch, cuda::Stream stream) const;
  cuda::Status Activate(const Batch& batch, cuda::Stream stream) const;
  cuda::Status Down(const Batch& batch, cuda::Stream stream) const;
  bool fp8() const { return format_.type == DType::kF8E4m3; }

  ExpertFormat format_;
  int64_t max_rows_;
  int64_t max_slots_;
  // Codes are FP8 with scales [blocks of 128, stride]; BF16 leaves the first two and all scales out.
  cuda::DeviceMemory row_codes_;
  cuda::DeviceMemory row_scales_;
  cuda::DeviceMemory x_;  // [slots, hidden] in the format's type.
  cuda::DeviceMemory x_scales_;
  cuda::DeviceMemory gate_up_;  // [slots, 2, inner] BF16.
  cuda::DeviceMemory inner_;    // [slots, inner] in the format's type.
  cuda::DeviceMemory inner_scales_;
  cuda::DeviceMemory y_;
};

}  // namespace baleen

#endif  // BALEEN_MODEL_CUDA_EXPERT_PRODUCTS_H_
