// Local search that evens out the shards' loads with few moves.
#ifndef BALEEN_SERVICES_PLACEMENT_PLANNER_BALANCE_H_
#define BALEEN_SERVICES_PLACEMENT_PLANNER_BALANCE_H_

#include "services/placement/planner/layer_copies.h"

namespace baleen {

// Takes load off the most loaded shard until none carries more than `target` or no single step helps: an expert moves to a free slot,
// changes places with a lighter one, or gets a copy in the place of a spare one. No expert becomes less safe. Deterministic.
void Balance(LayerCopies& copies, double target);

}  // namespace baleen

#endif  // BALEEN_SERVICES_PLACEMENT_PLANNER_BALANCE_H_
