// The plan of one layer.
#ifndef BALEEN_SERVICES_PLACEMENT_PLANNER_LAYER_PLAN_H_
#define BALEEN_SERVICES_PLACEMENT_PLANNER_LAYER_PLAN_H_

#include <cstdint>
#include <vector>

#include "services/placement/planner/layer_copies.h"

namespace baleen {

// Experts by shard, ascending.
using LayerPlan = std::vector<std::vector<uint32_t>>;

// See PlanExperts. `groups` are the gate's; `current` holds experts below the layer's number, in any amount.
LayerPlan PlanLayer(const LayerSpec& spec, uint32_t groups, const LayerPlan& current);

}  // namespace baleen

#endif  // BALEEN_SERVICES_PLACEMENT_PLANNER_LAYER_PLAN_H_
