#include "services/attention/engine/staged_experts.h"

#include <cstring>
#include <numeric>
#include <utility>
#include <vector>

#include "base/status_macros.h"
#include "model/cuda/device_matrix.h"
#include "model/cuda/device_status.h"

namespace baleen {

absl::StatusOr<StagedExperts> StagedExperts::Allocate(int64_t max_rows, int64_t hidden, int64_t top_k) {
  const int64_t row_bytes = hidden * static_cast<int64_t>(sizeof(Bf16));
  const int64_t copies = max_rows * top_k;
  StagedExperts staged(hidden, top_k);
  RETURN_IF_ERROR(FromDevice(cuda::DeviceEvent::Create(&staged.fetched_)));
  RETURN_IF_ERROR(FromDevice(cuda::PinnedMemory::Allocate(static_cast<size_t>(max_rows * row_bytes), &staged.rows_)));
  RETURN_IF_ERROR(FromDevice(cuda::PinnedMemory::Allocate(static_cast<size_t>(copies) * sizeof(int32_t), &staged.ids_)));
  RETURN_IF_ERROR(FromDevice(cuda::PinnedMemory::Allocate(static_cast<size_t>(copies * row_bytes), &staged.outputs_)));
  ASSIGN_OR_RETURN(staged.device_outputs_, AllocateOnDevice(copies * row_bytes));
  ASSIGN_OR_RETURN(staged.slots_, AllocateOnDevice(copies * static_cast<int64_t>(sizeof(int32_t))));
  std::vector<int32_t> slots(static_cast<size_t>(copies));
  std::iota(slots.begin(), slots.end(), 0);
  RETURN_IF_ERROR(FromDevice(cuda::CopyNow(staged.slots_.data(), slots.data(), staged.slots_.bytes())));
  staged.places_ = std::make_unique<const std::byte*[]>(static_cast<size_t>(copies));
  return staged;
}

absl::Status StagedExperts::Fetch(const Bf16* rows, const int32_t* ids, int64_t count, cuda::Stream stream) {
  count_ = count;
  const size_t row_bytes = static_cast<size_t>(hidden_) * sizeof(Bf16);
  RETURN_IF_ERROR(FromDevice(cuda::CopyAsync(rows_.data(), rows, static_cast<size_t>(count) * row_bytes, stream)));
  RETURN_IF_ERROR(FromDevice(cuda::CopyAsync(ids_.data(), ids, static_cast<size_t>(count * top_k_) * sizeof(int32_t), stream)));
  return FromDevice(fetched_.Record(stream));
}

absl::StatusOr<std::unique_ptr<PendingExperts>> StagedExperts::Dispatch(ExpertBackend& experts, int layer, absl::Time deadline) {
  RETURN_IF_ERROR(FromDevice(fetched_.Synchronize()));
  ExpertBatch batch;
  batch.layer = layer;
  batch.rows = count_;
  batch.hidden = hidden_;
  batch.top_k = static_cast<int>(top_k_);
  batch.wire = DType::kBf16;
  batch.input = rows_.As<std::byte>();
  batch.expert_ids = ids_.As<int32_t>();
  batch.outputs = places_.get();
  batch.room = outputs_.As<std::byte>();
  batch.deadline = deadline;
  return experts.Dispatch(batch);
}

absl::StatusOr<StagedExperts::Outputs> StagedExperts::Return(std::unique_ptr<PendingExperts> pending, cuda::Stream stream) {
  RETURN_IF_ERROR(pending->Wait());
  const size_t row_bytes = static_cast<size_t>(hidden_) * sizeof(Bf16);
  const size_t copies = static_cast<size_t>(count_ * top_k_);
  for (size_t copy = 0; copy < copies; ++copy) {
    std::byte* const to = outputs_.As<std::byte>() + copy * row_bytes;
    if (places_[copy] != to) std::memcpy(to, places_[copy], row_bytes);
  }
  RETURN_IF_ERROR(FromDevice(cuda::CopyAsync(device_outputs_.data(), outputs_.data(), copies * row_bytes, stream)));
  return Outputs{device_outputs_.As<Bf16>(), slots_.As<int32_t>()};
}

}  // namespace baleen
