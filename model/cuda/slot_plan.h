// One layer's slots, as they came from callers, in the order that grouped products take them. Pure.
#ifndef BALEEN_MODEL_CUDA_SLOT_PLAN_H_
#define BALEEN_MODEL_CUDA_SLOT_PLAN_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/types/span.h"
#include "model/layers/expert_compute.h"

namespace baleen {

inline constexpr int64_t kMostSlotsOfRow = 64;  // PermuteArgs::top_k takes no more.

// Slot i of the callers is place `p` where order[p] == i; places are sorted by group, and within one by i.
struct SlotPlan {
  std::vector<const std::byte*> rows;  // Inputs; consecutive slots of one input are one row, up to kMostSlotsOfRow.
  int top_k = 0;                       // The most slots of a row.
  std::vector<int32_t> slots;          // [rows, top_k]: the places of a row's slots, then -1.
  std::vector<int32_t> group_rows;     // [groups + 1]: where each group's places begin.
  std::vector<int32_t> order;
  int used_groups = 0;  // That have a place.
};

// Every slot's expert has a group in group_of_expert, which is below `groups`.
SlotPlan PlanSlots(absl::Span<const ExpertSlot> slots, const std::vector<int32_t>& group_of_expert, int groups);

// A run of callers' slots whose outputs lie one after the other.
struct OutputRun {
  int64_t first = 0;
  int64_t count = 0;
};
std::vector<OutputRun> OutputRuns(absl::Span<const ExpertSlot> slots, int64_t row_bytes);

}  // namespace baleen

#endif  // BALEEN_MODEL_CUDA_SLOT_PLAN_H_
