#include "model/layers/expert_compute.h"

#include <algorithm>
#include <memory>
#include <numeric>
#include <vector>

#include "base/values.h"
#include "kernels/fork_cost.h"

namespace baleen {
namespace {

// One layer's slots, in an order that has those of an expert together.
struct Work {
  const ExpertWeights& weights;
  int layer;
  absl::Span<const ExpertSlot> slots;
  DType wire;
  std::vector<uint32_t> order;

  const ExpertSlot& At(int64_t i) const { return slots[order[static_cast<size_t>(i)]]; }
};

struct Group {
  int64_t begin = 0;  // Places [begin, end) of the order have one expert.
  int64_t end = 0;

  int64_t rows() const { return end - begin; }
};

std::vector<uint32_t> OrderByExpert(absl::Span<const ExpertSlot> slots) {
  std::vector<uint32_t> order(slots.size());
  std::iota(order.begin(), order.end(), 0u);
  std::sort(order.begin(), order.end(),
            [&](uint32_t a, uint32_t b) { return slots[a].expert != slots[b].expert ? slots[a].expert < slots[b].expert : a < b; });
  return order;
}

std::vector<Group> GroupsOf(const Work& work) {
  std::vector<Group> groups;
  const int64_t count = static_cast<int64_t>(work.slots.size());
  for (int64_t begin = 0; begin < count;) {
    int64_t end = begin + 1;
    while (end < count && work.At(end).expert == work.At(begin).expert) ++end;
    groups.push_back({begin, end});
    begin = end;
  }
  return groups;
}

// Rows are widened and narrowed here, where they are in the cache of the core that computes them.
void ComputeGroup(const Work& work, Group group, ThreadPool* pool) {
  const int64_t hidden = work.weights.hidden();
  const int64_t count = group.rows();
  const auto gathered = std::make_unique_for_overwrite<float[]>(2 * count * hidden);
  float* const results = gathered.get() + count * hidden;
  for (int64_t i = 0; i < count; ++i) ValuesFromWire(work.At(group.begin + i).input, hidden, work.wire, gathered.get() + i * hidden);
  const ExpertId id = {work.layer, static_cast<int>(work.At(group.begin).expert)};
  work.weights.Apply(id, gathered.get(), count, results, pool);
  for (int64_t i = 0; i < count; ++i) ValuesToWire(results + i * hidden, hidden, work.wire, work.At(group.begin + i).output);
}

}  // namespace

void ComputeExperts(const ExpertWeights& weights, int layer, absl::Span<const ExpertSlot> slots, DType wire, ThreadPool* pool) {
  const Work work{weights, layer, slots, wire, OrderByExpert(slots)};
  std::vector<Group> groups = GroupsOf(work);
  const int64_t group_count = static_cast<int64_t>(groups.size());
  if (static_cast<int64_t>(slots.size()) * weights.products_of_a_row() < kForkProducts) pool = nullptr;
  if (pool == nullptr || group_count < 2 * pool->threads()) {
    for (const Group& group : groups) ComputeGroup(work, group, pool);
    return;
  }
  // Whole experts to each thread where there are enough of them: one hand-over for all three products. The largest come first, so that the
  // threads end close to each other.
  std::stable_sort(groups.begin(), groups.end(), [](const Group& a, const Group& b) { return a.rows() > b.rows(); });
  pool->ForEach(group_count, [&](int64_t g) { ComputeGroup(work, groups[static_cast<size_t>(g)], nullptr); });
}

}  // namespace baleen
