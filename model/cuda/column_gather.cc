#include "model/cuda/column_gather.h"

#include "base/status_macros.h"
#include "kernels/cuda/permute/permute.h"
#include "model/cuda/device_matrix.h"
#include "model/cuda/device_status.h"

namespace baleen {

absl::StatusOr<ColumnGather> ColumnGather::Allocate(RankGroup* group, RankSlice slice, int64_t max_rows, int64_t max_part_bytes) {
  ColumnGather gather;
  if (group == nullptr) return gather;
  gather.group_ = group;
  gather.slice_ = slice;
  const int64_t slot_bytes = slice.size * max_rows * static_cast<int64_t>(sizeof(int32_t));
  ASSIGN_OR_RETURN(gather.part_, AllocateOnDevice(max_rows * max_part_bytes));
  ASSIGN_OR_RETURN(gather.parts_, AllocateOnDevice(slice.size * max_rows * max_part_bytes));
  RETURN_IF_ERROR(HasRoom(cuda::PinnedMemory::Allocate(static_cast<size_t>(slot_bytes), &gather.host_slots_), slot_bytes, "of slots"));
  ASSIGN_OR_RETURN(gather.slots_, AllocateOnDevice(slot_bytes));
  return gather;
}

absl::Status ColumnGather::Begin(int64_t rows, cuda::Stream stream) {
  if (group_ == nullptr || rows == rows_) return absl::OkStatus();
  rows_ = rows;
  int32_t* const slots = host_slots_.As<int32_t>();
  for (int64_t i = 0; i < slice_.size * rows; ++i) slots[i] = static_cast<int32_t>(i % rows * slice_.size + i / rows);
  return FromDevice(cuda::CopyAsync(slots_.data(), slots, static_cast<size_t>(slice_.size * rows) * sizeof(int32_t), stream));
}

absl::Status ColumnGather::Gather(void* whole, int64_t part_bytes, cuda::Stream stream) const {
  if (group_ == nullptr) return absl::OkStatus();
  RETURN_IF_ERROR(group_->AllGather(slice_.rank, part_.data(), parts_.data(), static_cast<size_t>(rows_ * part_bytes), stream));
  cuda::PermuteArgs args;
  args.rows = slice_.size * rows_;
  args.top_k = 1;
  args.row_bytes = part_bytes;
  args.x = parts_.data();
  args.y = whole;
  args.slots = slots_.As<int32_t>();
  return FromDevice(cuda::Permute(args, stream));
}

}  // namespace baleen
