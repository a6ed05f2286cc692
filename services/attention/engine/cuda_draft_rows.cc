#include "services/attention/engine/cuda_draft_rows.h"

#include <algorithm>

#include "base/status_macros.h"
#include "kernels/cuda/norm/rms_norm.h"
#include "kernels/cuda/permute/permute.h"
#include "model/cuda/device_matrix.h"
#include "model/cuda/device_status.h"

namespace baleen {
namespace {

constexpr int64_t kBf16Bytes = sizeof(Bf16);

// Rows of `row_bytes` to their slots.
absl::Status Scatter(const void* from, void* to, const int32_t* slots, int64_t rows, int64_t row_bytes, cuda::Stream stream) {
  cuda::PermuteArgs args;
  args.rows = rows;
  args.top_k = 1;
  args.row_bytes = row_bytes;
  args.x = from;
  args.y = to;
  args.slots = slots;
  return FromDevice(cuda::Permute(args, stream));
}

absl::Status Norm(DType type, const void* x, const cuda::DeviceMemory& weight, float eps, int64_t rows, int64_t hidden, Bf16* normed,
                  cuda::Stream stream) {
  cuda::RmsNormArgs args;
  args.type = type;
  args.rows = rows;
  args.width = args.ldx = hidden;
  args.x = const_cast<void*>(x);  // Nothing is added to it.
  args.weight = weight.As<float>();
  args.eps = eps;
  args.normed = normed;
  return FromDevice(cuda::RmsNorm(args, stream));
}

}  // namespace

absl::StatusOr<CudaDraftRows> CudaDraftRows::Allocate(int64_t max_rows, int64_t hidden) {
  CudaDraftRows rows;
  rows.hidden_ = hidden;
  const int64_t slot_bytes = max_rows * static_cast<int64_t>(sizeof(int32_t));
  for (int which : {0, 1}) {
    RETURN_IF_ERROR(FromDevice(cuda::PinnedMemory::Allocate(static_cast<size_t>(slot_bytes), &rows.host_slots_[which])));
    ASSIGN_OR_RETURN(rows.slots_[which], AllocateOnDevice(slot_bytes));
  }
  ASSIGN_OR_RETURN(rows.hidden_rows_, AllocateOnDevice(max_rows * hidden * kBf16Bytes));
  ASSIGN_OR_RETURN(rows.normed_, AllocateOnDevice(max_rows * hidden * kBf16Bytes));
  ASSIGN_OR_RETURN(rows.pairs_, AllocateOnDevice(max_rows * 2 * hidden * kBf16Bytes));
  ASSIGN_OR_RETURN(rows.picked_, AllocateOnDevice(max_rows * hidden * static_cast<int64_t>(sizeof(float))));
  return rows;
}

absl::Status CudaDraftRows::UploadSlots(const std::vector<int64_t>& rows, int64_t count, int which, cuda::Stream stream) {
  int32_t* const slots = host_slots_[which].As<int32_t>();
  std::fill_n(slots, count, -1);
  for (size_t i = 0; i < rows.size(); ++i) slots[rows[i]] = static_cast<int32_t>(i);
  return FromDevice(cuda::CopyAsync(slots_[which].data(), slots, static_cast<size_t>(count) * sizeof(int32_t), stream));
}

absl::Status CudaDraftRows::Take(const std::vector<int64_t>& rows, int64_t step_rows, const CudaScratch& scratch, cuda::Stream stream) {
  RETURN_IF_ERROR(UploadSlots(rows, step_rows, 0, stream));
  taken_ = static_cast<int64_t>(rows.size());
  return Scatter(scratch.normed.values(), hidden_rows_.data(), slots_[0].As<int32_t>(), step_rows, hidden_ * kBf16Bytes, stream);
}

absl::Status CudaDraftRows::Project(const DeviceMtpWeights& weights, float eps, CudaScratch& scratch, cuda::Stream stream) {
  const size_t row_bytes = static_cast<size_t>(hidden_ * kBf16Bytes);
  const auto append = [&](int64_t half) {
    return FromDevice(cuda::CopyRowsAsync(pairs_.As<Bf16>() + half * hidden_, 2 * row_bytes, normed_.data(), row_bytes, row_bytes,
                                          static_cast<size_t>(taken_), stream));
  };
  Bf16* const normed = normed_.As<Bf16>();
  RETURN_IF_ERROR(Norm(DType::kF32, scratch.residual.data(), weights.embedding_norm, eps, taken_, hidden_, normed, stream));
  RETURN_IF_ERROR(append(0));
  RETURN_IF_ERROR(Norm(DType::kBf16, hidden_rows_.data(), weights.hidden_norm, eps, taken_, hidden_, normed, stream));
  RETURN_IF_ERROR(append(1));
  DeviceRows pairs;
  pairs.values = pairs_.As<Bf16>();
  pairs.stride = 2 * hidden_;
  return Multiply(weights.projection, pairs, taken_, DType::kF32, scratch.residual.data(), hidden_, stream);
}

absl::Status CudaDraftRows::Pick(const std::vector<int64_t>& rows, CudaScratch& scratch, cuda::Stream stream) {
  const int64_t row_bytes = hidden_ * static_cast<int64_t>(sizeof(float));
  RETURN_IF_ERROR(UploadSlots(rows, taken_, 1, stream));
  RETURN_IF_ERROR(Scatter(scratch.residual.data(), picked_.data(), slots_[1].As<int32_t>(), taken_, row_bytes, stream));
  const size_t bytes = rows.size() * static_cast<size_t>(row_bytes);
  return FromDevice(cuda::CopyAsync(scratch.residual.data(), picked_.data(), bytes, stream));
}

}  // namespace baleen
