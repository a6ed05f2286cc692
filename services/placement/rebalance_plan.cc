#include "services/placement/rebalance_plan.h"

#include <utility>

#include "absl/status/statusor.h"

namespace baleen {

RebalancePlan PlanRebalance(const RebalanceInput& input) {
  RebalancePlan out{.version = input.version, .groups = {}};
  for (const auto& [numerics_id, group] : input.groups) {
    Plan before;
    for (const PlanShard& shard : group.shards) before.push_back(shard.current);
    absl::StatusOr<Plan> after = PlanExperts(group);
    if (!after.ok() || *after == before) continue;
    const double gained = Imbalance(group.shape, group.loads, before) / Imbalance(group.shape, group.loads, *after);
    if (gained >= input.gain) out.groups.emplace(numerics_id, *std::move(after));
  }
  return out;
}

}  // namespace baleen
