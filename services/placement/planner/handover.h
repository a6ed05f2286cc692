// From one plan to the next: make before break.
#ifndef BALEEN_SERVICES_PLACEMENT_PLANNER_HANDOVER_H_
#define BALEEN_SERVICES_PLACEMENT_PLANNER_HANDOVER_H_

#include <vector>

#include "services/placement/planner/holdings.h"

namespace baleen {

struct ShardHoldings {
  Holdings target;  // What the plan gives it.
  Holdings loaded;  // What it says it holds.
};

// [shards]: what each is to hold now: its target, and of what it has loaded those experts that another shard's target names and that
// one has not loaded yet, or that no target names.
std::vector<Holdings> HoldUntilReplaced(const std::vector<ShardHoldings>& shards);

}  // namespace baleen

#endif  // BALEEN_SERVICES_PLACEMENT_PLANNER_HANDOVER_H_
