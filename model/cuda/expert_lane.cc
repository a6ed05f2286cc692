#include "model/cuda/expert_lane.h"

#include <algorithm>
#include <cstddef>
#include <cstring>

#include "base/status_macros.h"
#include "kernels/cuda/base/row_groups.h"
#include "kernels/cuda/permute/permute.h"
#include "model/cuda/device_status.h"
#include "model/cuda/rounding.h"

namespace baleen {
namespace {

constexpr int64_t kAlignment = 256;

constexpr char kRows[] = "for experts' rows";

int64_t IntBytes(int64_t count) { return RoundUp(count * static_cast<int64_t>(sizeof(int32_t)), kAlignment); }

void StageInts(const cuda::PinnedMemory& staging, int64_t at, const std::vector<int32_t>& values) {
  std::memcpy(staging.As<std::byte>() + at, values.data(), values.size() * sizeof(int32_t));
}

}  // namespace

absl::StatusOr<std::unique_ptr<ExpertLane>> ExpertLane::Create(const ExpertFormat& format, int64_t max_slots) {
  ASSIGN_OR_RETURN(ExpertProducts products, ExpertProducts::Create(format, max_slots, max_slots));
  std::unique_ptr<ExpertLane> lane(new ExpertLane(format, max_slots, std::move(products)));
  const int64_t outputs = max_slots * lane->row_bytes();
  const int64_t staging = IntBytes(max_slots * kMostSlotsOfRow) + IntBytes(cuda::kMaxRowGroups + 1) + IntBytes(max_slots) + outputs;
  RETURN_IF_ERROR(HasRoom(cuda::PinnedMemory::Allocate(static_cast<size_t>(staging), &lane->staging_), staging, kRows));
  RETURN_IF_ERROR(HasRoom(cuda::DeviceMemory::Allocate(static_cast<size_t>(staging), &lane->staged_), staging, kRows));
  RETURN_IF_ERROR(HasRoom(cuda::DeviceMemory::Allocate(static_cast<size_t>(outputs), &lane->outputs_), outputs, kRows));
  RETURN_IF_ERROR(FromDevice(cuda::DeviceStream::Create(&lane->stream_)));
  return lane;
}

absl::Status ExpertLane::Compute(const DeviceExpertLayer& layer, absl::Span<const ExpertSlot> slots) {
  for (size_t begin = 0; begin < slots.size(); begin += static_cast<size_t>(max_slots_)) {
    RETURN_IF_ERROR(ComputePiece(layer, slots.subspan(begin, static_cast<size_t>(max_slots_))));
  }
  return absl::OkStatus();
}

absl::Status ExpertLane::ComputePiece(const DeviceExpertLayer& layer, absl::Span<const ExpertSlot> slots) {
  const SlotPlan plan = PlanSlots(slots, layer.group_of_expert, layer.groups);
  const absl::Status enqueued = FromDevice(Enqueue(layer, plan, Stage(plan), slots));
  // Also when something could not be enqueued: what was must not outlive the callers' memory.
  const absl::Status done = FromDevice(stream_.Synchronize());
  return enqueued.ok() ? done : enqueued;
}

ExpertLane::Staged ExpertLane::Stage(const SlotPlan& plan) const {
  Staged at;
  at.group_rows = at.slots + IntBytes(static_cast<int64_t>(plan.slots.size()));
  at.order = at.group_rows + IntBytes(static_cast<int64_t>(plan.group_rows.size()));
  at.rows = at.order + IntBytes(static_cast<int64_t>(plan.order.size()));
  at.end = at.rows + static_cast<int64_t>(plan.rows.size()) * row_bytes();
  StageInts(staging_, at.slots, plan.slots);
  StageInts(staging_, at.group_rows, plan.group_rows);
  StageInts(staging_, at.order, plan.order);
  std::byte* to = staging_.As<std::byte>() + at.rows;
  for (size_t row = 0; row < plan.rows.size();) {
    size_t end = row + 1;
    while (end < plan.rows.size() && plan.rows[end] == plan.rows[end - 1] + row_bytes()) ++end;
    const size_t bytes = (end - row) * static_cast<size_t>(row_bytes());
    std::memcpy(to, plan.rows[row], bytes);
    to += bytes;
    row = end;
  }
  return at;
}

cuda::Status ExpertLane::Enqueue(const DeviceExpertLayer& layer, const SlotPlan& plan, const Staged& at,
                                 absl::Span<const ExpertSlot> slots) {
  std::byte* const staged = staged_.As<std::byte>();
  if (cuda::Status status = cuda::CopyAsync(staged, staging_.data(), static_cast<size_t>(at.end), stream_.get()); !status.ok())
    return status;
  ExpertProducts::Batch batch;
  batch.layer = &layer;
  batch.rows = static_cast<int64_t>(plan.rows.size());
  batch.top_k = plan.top_k;
  batch.x = reinterpret_cast<const Bf16*>(staged + at.rows);
  batch.slots = reinterpret_cast<const int32_t*>(staged + at.slots);
  batch.group_rows = reinterpret_cast<const int32_t*>(staged + at.group_rows);
  batch.slot_count = static_cast<int64_t>(slots.size());
  batch.expected_rows = (batch.slot_count + plan.used_groups - 1) / plan.used_groups;
  if (cuda::Status status = products_.Enqueue(batch, stream_.get()); !status.ok()) return status;

  cuda::PermuteArgs back;
  back.rows = batch.slot_count;
  back.top_k = 1;
  back.row_bytes = row_bytes();
  back.x = products_.y();
  back.y = outputs_.data();
  back.slots = reinterpret_cast<const int32_t*>(staged + at.order);
  if (cuda::Status status = Permute(back, stream_.get()); !status.ok()) return status;
  for (const OutputRun& run : OutputRuns(slots, row_bytes())) {
    const std::byte* const from = outputs_.As<std::byte>() + run.first * row_bytes();
    const size_t bytes = static_cast<size_t>(run.count * row_bytes());
    if (cuda::Status status = cuda::CopyAsync(slots[static_cast<size_t>(run.first)].output, from, bytes, stream_.get()); !status.ok()) {
      return status;
    }
  }
  return cuda::Status();
}

}  // namespace baleen
