#include "services/attention/engine/cuda_batch.h"

#include <algorithm>
#include <utility>

#include "base/status_macros.h"
#include "model/cuda/device_matrix.h"
#include "model/cuda/device_status.h"

namespace baleen {
namespace {

constexpr int64_t kColumns = 4;
constexpr int64_t kLeastBlockRoom = 1024;

}  // namespace

absl::StatusOr<CudaBatch> CudaBatch::Allocate(int64_t max_rows, int rank) {
  CudaBatch batch(max_rows, rank);
  RETURN_IF_ERROR(batch.Reserve(kLeastBlockRoom));
  return batch;
}

absl::Status CudaBatch::Reserve(int64_t blocks) {
  if (blocks <= block_room_) return absl::OkStatus();
  const int64_t room = std::max(blocks, 2 * block_room_);
  const int64_t bytes = (kColumns * max_rows_ + room) * static_cast<int64_t>(sizeof(int32_t));
  RETURN_IF_ERROR(FromDevice(cuda::PinnedMemory::Allocate(static_cast<size_t>(bytes), &host_)));
  ASSIGN_OR_RETURN(device_, AllocateOnDevice(bytes));
  block_room_ = room;
  ++generation_;
  return absl::OkStatus();
}

absl::Status CudaBatch::Upload(const StepPlan& plan, BlockPool& kv, int64_t rows, cuda::Stream stream) {
  const int64_t blocks = static_cast<int64_t>(plan.blocks().size());
  RETURN_IF_ERROR(Reserve(blocks));
  rows_ = rows;
  int32_t* const tokens = host_.As<int32_t>();
  int32_t* const positions = tokens + max_rows_;
  int32_t* const first_block = positions + max_rows_;
  int32_t* const slots = first_block + max_rows_;
  for (int64_t row = 0; row < rows; ++row) {
    const size_t from = row < plan.rows() ? static_cast<size_t>(row) : 0;
    tokens[row] = plan.tokens()[from];
    positions[row] = static_cast<int32_t>(plan.positions()[from]);
    first_block[row] = static_cast<int32_t>(plan.first_block()[from]);
    slots[row] = row < plan.rows() ? -1 : static_cast<int32_t>(row);
  }
  largest_position_ = *std::max_element(plan.positions().begin(), plan.positions().end());
  for (size_t i = 0; i < plan.logits_rows().size(); ++i) slots[plan.logits_rows()[i]] = static_cast<int32_t>(i);
  std::transform(plan.blocks().begin(), plan.blocks().end(), slots + max_rows_, [&](BlockId id) { return id * kv.shape().layers; });
  const int64_t bytes = (kColumns * max_rows_ + blocks) * static_cast<int64_t>(sizeof(int32_t));
  return FromDevice(cuda::CopyAsync(device_.data(), host_.data(), static_cast<size_t>(bytes), stream));
}

DeviceKvRows CudaBatch::KvRows(BlockPool& kv, int layer) const {
  DeviceKvRows rows;
  rows.rows = rows_;
  rows.largest_position = largest_position_;
  rows.positions = Column(1);
  rows.first_block = Column(2);
  rows.blocks = Column(kColumns);
  rows.pages = reinterpret_cast<Bf16*>(kv.memory().replica(rank_) + (kv.Page(0, layer) - kv.memory().data()));
  rows.page_count = kv.total_blocks() * kv.shape().layers - layer;
  return rows;
}

}  // namespace baleen
