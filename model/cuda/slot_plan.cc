#include "model/cuda/slot_plan.h"

#include <algorithm>
#include <numeric>

namespace baleen {
namespace {

// Where each row's slots begin, and the end.
std::vector<int64_t> RowBegins(absl::Span<const ExpertSlot> slots) {
  std::vector<int64_t> begins;
  const int64_t count = static_cast<int64_t>(slots.size());
  for (int64_t i = 0; i < count; ++i) {
    const bool same = i > 0 && slots[i].input == slots[i - 1].input && i - begins.back() < kMostSlotsOfRow;
    if (!same) begins.push_back(i);
  }
  begins.push_back(count);
  return begins;
}

}  // namespace

SlotPlan PlanSlots(absl::Span<const ExpertSlot> slots, const std::vector<int32_t>& group_of_expert, int groups) {
  SlotPlan plan;
  plan.group_rows.assign(static_cast<size_t>(groups) + 1, 0);
  const auto group_of = [&](const ExpertSlot& slot) { return static_cast<size_t>(group_of_expert[slot.expert]); };
  for (const ExpertSlot& slot : slots) ++plan.group_rows[group_of(slot) + 1];
  plan.used_groups = static_cast<int>(std::count_if(plan.group_rows.begin(), plan.group_rows.end(), [](int32_t rows) { return rows > 0; }));
  std::partial_sum(plan.group_rows.begin(), plan.group_rows.end(), plan.group_rows.begin());

  const std::vector<int64_t> begins = RowBegins(slots);
  for (size_t row = 0; row + 1 < begins.size(); ++row) {
    plan.rows.push_back(slots[static_cast<size_t>(begins[row])].input);
    plan.top_k = std::max(plan.top_k, static_cast<int>(begins[row + 1] - begins[row]));
  }
  plan.slots.assign(plan.rows.size() * static_cast<size_t>(plan.top_k), -1);
  plan.order.resize(slots.size());
  std::vector<int32_t> next(plan.group_rows.begin(), plan.group_rows.end() - 1);
  for (size_t row = 0; row < plan.rows.size(); ++row) {
    for (int64_t i = begins[row]; i < begins[row + 1]; ++i) {
      const int32_t place = next[group_of(slots[static_cast<size_t>(i)])]++;
      plan.slots[row * static_cast<size_t>(plan.top_k) + static_cast<size_t>(i - begins[row])] = place;
      plan.order[static_cast<size_t>(place)] = static_cast<int32_t>(i);
    }
  }
  return plan;
}

std::vector<OutputRun> OutputRuns(absl::Span<const ExpertSlot> slots, int64_t row_bytes) {
  std::vector<OutputRun> runs;
  for (size_t i = 0; i < slots.size(); ++i) {
    if (i > 0 && slots[i].output == slots[i - 1].output + row_bytes) {
      ++runs.back().count;
    } else {
      runs.push_back({static_cast<int64_t>(i), 1});
    }
  }
  return runs;
}

}  // namespace baleen
