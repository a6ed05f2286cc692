// From one plan to the next: make before break.
#ifndef BALEEN_SERVICES_PLACEMENT_PLANNER_HANDOVER_H_
#define BALEEN_SERVICES_PLACEMENT_PLANNER_HANDOVER_H_

#include <cstddef>
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

// How many experts more than its target a shard may have to hold while experts move: an eighth, at least a layer's.
size_t MovingRoom(const Holdings& target);

// [shards]: what each is told to hold now of what it is to hold: `wanted` are those of HoldUntilReplaced, `told` what it was told before,
// which it may have loaded, be loading or not have let go yet. Experts that nobody has loaded are told at once. Other new copies follow in
// the order of layers, as far as there is room for them beside the target and MovingRoom. Where nobody loads or lets go, because each
// waits for another, the shard that waits for the first of them gets that room once more.
std::vector<Holdings> StageLoads(const std::vector<ShardHoldings>& shards, const std::vector<Holdings>& wanted,
                                 const std::vector<Holdings>& told);

}  // namespace baleen

#endif  // BALEEN_SERVICES_PLACEMENT_PLANNER_HANDOVER_H_
