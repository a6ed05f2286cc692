#include "services/attention/engine/staged_experts.h"

#include <cstring>
#include <numeric>
#include <utility>

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
  RETURN_IF_ERROR(FromDevice(cuda::PinnedMemory::Allocate(static_cast<size_t>(copies) * sizeof(int32_t), &staged.host_slots_)));
  staged.places_ = std::make_unique<const std::byte*[]>(static_cast<size_t>(copies));
  return staged;
}

absl::Status StagedExperts::Begin(int64_t rows, int64_t padded, cuda::Stream stream) {
  rows_of_step_ = rows;
  lost_ = false;
  int32_t* const slots = host_slots_.As<int32_t>();
  std::iota(slots, slots + rows * top_k_, 0);
  for (int64_t row = rows; row < padded; ++row) std::iota(slots + row * top_k_, slots + (row + 1) * top_k_, 0);
  return FromDevice(cuda::CopyAsync(slots_.data(), slots, static_cast<size_t>(padded * top_k_) * sizeof(int32_t), stream));
}

absl::Status StagedExperts::Fetch(const Bf16* rows, const int32_t* ids, int64_t count, cuda::Stream stream) {
  const size_t row_bytes = static_cast<size_t>(hidden_) * sizeof(Bf16);
  RETURN_IF_ERROR(FromDevice(cuda::CopyAsync(rows_.data(), rows, static_cast<size_t>(count) * row_bytes, stream)));
  return FromDevice(cuda::CopyAsync(ids_.data(), ids, static_cast<size_t>(count * top_k_) * sizeof(int32_t), stream));
}

absl::Status StagedExperts::Exchange(ExpertBackend& experts, int layer, absl::Time deadline, cuda::Stream stream) {
  RETURN_IF_ERROR(FromDevice(fetched_.Synchronize()));
  ExpertBatch batch;
  batch.layer = layer;
  batch.rows = rows_of_step_;
  batch.hidden = hidden_;
  batch.top_k = static_cast<int>(top_k_);
  batch.wire = DType::kBf16;
  batch.input = rows_.As<std::byte>();
  batch.expert_ids = ids_.As<int32_t>();
  batch.outputs = places_.get();
  batch.room = outputs_.As<std::byte>();
  batch.deadline = deadline;
  const std::unique_ptr<PendingExperts> pending = experts.Dispatch(batch);
  const absl::Status outcome = pending->Wait();
  lost_ = !outcome.ok();
  RETURN_IF_ERROR(outcome);
  const size_t row_bytes = static_cast<size_t>(hidden_) * sizeof(Bf16);
  const size_t copies = static_cast<size_t>(rows_of_step_ * top_k_);
  for (size_t copy = 0; copy < copies; ++copy) {
    std::byte* const to = outputs_.As<std::byte>() + copy * row_bytes;
    if (places_[copy] != to) std::memcpy(to, places_[copy], row_bytes);
  }
  return FromDevice(cuda::CopyAsync(device_outputs_.data(), outputs_.data(), copies * row_bytes, stream));
}

}  // namespace baleen
