#include "services/placement/planner/slot_choice.h"

#include <tuple>

namespace baleen {
namespace {

uint64_t CountSharedExperts(const std::vector<uint32_t>& a, const std::vector<uint32_t>& b) {
  uint64_t shared = 0;
  for (size_t i = 0, j = 0; i < a.size() && j < b.size();) {
    if (a[i] == b[j]) ++shared;
    const bool step_a = a[i] <= b[j];
    const bool step_b = b[j] <= a[i];
    i += step_a;
    j += step_b;
  }
  return shared;
}

uint64_t CountDomainConflicts(const Plan& plan, const std::vector<SlotHolder>& holders, uint32_t slot, const std::string& domain) {
  if (domain.empty()) return 0;
  uint64_t conflicts = 0;
  for (uint32_t other = 0; other < plan.size(); ++other) {
    if (holders[other].taken && holders[other].failure_domain == domain) conflicts += CountShared(plan[slot], plan[other]);
  }
  return conflicts;
}

}  // namespace

uint64_t CountShared(const std::vector<LayerExperts>& a, const std::vector<LayerExperts>& b) {
  uint64_t shared = 0;
  for (size_t i = 0, j = 0; i < a.size() && j < b.size();) {
    if (a[i].layer == b[j].layer) shared += CountSharedExperts(a[i].experts, b[j].experts);
    const bool step_a = a[i].layer <= b[j].layer;
    const bool step_b = b[j].layer <= a[i].layer;
    i += step_a;
    j += step_b;
  }
  return shared;
}

std::optional<uint32_t> ChooseSlot(const Plan& plan, const std::vector<SlotHolder>& holders, const std::vector<LayerExperts>& loaded,
                                   const std::string& failure_domain) {
  std::optional<uint32_t> best;
  std::tuple<uint64_t, uint64_t> best_cost;  // Experts to load, experts with a copy in the same domain.
  for (uint32_t slot = 0; slot < plan.size(); ++slot) {
    if (holders[slot].taken) continue;
    const uint64_t missing = CountShared(plan[slot], plan[slot]) - CountShared(plan[slot], loaded);
    // Slots that would all be loaded from nothing differ by domain only, however uneven their sizes.
    const std::tuple cost{loaded.empty() ? 0 : missing, CountDomainConflicts(plan, holders, slot, failure_domain)};
    if (!best || cost < best_cost) {
      best = slot;
      best_cost = cost;
    }
  }
  return best;
}

}  // namespace baleen
