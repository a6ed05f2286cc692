#include "model/layers/expert_compute.h"

#include <algorithm>
#include <memory>
#include <vector>

namespace baleen {
namespace {

struct Slot {
  uint32_t expert = 0;
  int64_t row = 0;     // Of the input.
  int64_t output = 0;  // Of the output.
};

struct Group {
  int64_t begin = 0;  // Slots [begin, end) have one expert.
  int64_t end = 0;
};

std::vector<Slot> SlotsByExpert(absl::Span<const uint32_t> experts_per_row, absl::Span<const uint32_t> expert_ids) {
  std::vector<Slot> slots;
  slots.reserve(expert_ids.size());
  for (size_t row = 0; row < experts_per_row.size(); ++row) {
    for (uint32_t k = 0; k < experts_per_row[row]; ++k) {
      const int64_t output = static_cast<int64_t>(slots.size());
      slots.push_back({expert_ids[output], static_cast<int64_t>(row), output});
    }
  }
  std::sort(slots.begin(), slots.end(),
            [](const Slot& a, const Slot& b) { return a.expert != b.expert ? a.expert < b.expert : a.output < b.output; });
  return slots;
}

std::vector<Group> GroupsOf(const std::vector<Slot>& slots) {
  std::vector<Group> groups;
  for (int64_t begin = 0; begin < static_cast<int64_t>(slots.size());) {
    int64_t end = begin + 1;
    while (end < static_cast<int64_t>(slots.size()) && slots[end].expert == slots[begin].expert) ++end;
    groups.push_back({begin, end});
    begin = end;
  }
  return groups;
}

void ComputeGroup(const ExpertWeights& weights, int layer, const float* rows, const std::vector<Slot>& slots, Group group, float* out,
                  ThreadPool* pool) {
  const int64_t hidden = weights.hidden();
  const int64_t count = group.end - group.begin;
  const auto gathered = std::make_unique_for_overwrite<float[]>(2 * count * hidden);
  float* const results = gathered.get() + count * hidden;
  for (int64_t i = 0; i < count; ++i) {
    std::copy_n(rows + slots[group.begin + i].row * hidden, hidden, gathered.get() + i * hidden);
  }
  weights.Apply({layer, static_cast<int>(slots[group.begin].expert)}, gathered.get(), count, results, pool);
  for (int64_t i = 0; i < count; ++i) {
    std::copy_n(results + i * hidden, hidden, out + slots[group.begin + i].output * hidden);
  }
}

}  // namespace

void ComputeExperts(const ExpertWeights& weights, int layer, const float* rows, int64_t row_count,
                    absl::Span<const uint32_t> experts_per_row, absl::Span<const uint32_t> expert_ids, float* out, ThreadPool* pool) {
  const std::vector<Slot> slots = SlotsByExpert(experts_per_row.first(row_count), expert_ids);
  const std::vector<Group> groups = GroupsOf(slots);
  const int64_t group_count = static_cast<int64_t>(groups.size());
  // Whole experts to each thread where there are enough of them: one hand-over for all three products.
  const bool across = pool != nullptr && group_count >= 2 * pool->threads();
  const auto run = [&](int64_t begin, int64_t end, ThreadPool* inner) {
    for (int64_t g = begin; g < end; ++g) ComputeGroup(weights, layer, rows, slots, groups[g], out, inner);
  };
  if (across) {
    pool->ParallelFor(group_count, 1, [&](int64_t begin, int64_t end) { run(begin, end, nullptr); });
  } else {
    run(0, group_count, pool);
  }
}

}  // namespace baleen
