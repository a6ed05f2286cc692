// Local search that evens out the shards' loads with few moves.
#ifndef BALEEN_SERVICES_PLACEMENT_PLANNER_BALANCE_H_
#define BALEEN_SERVICES_PLACEMENT_PLANNER_BALANCE_H_

#include "services/placement/planner/layer_copies.h"

namespace baleen {

// Until no shard carries more than `target` or no step helps: the most loaded shard's experts move to a free slot or change places with
// lighter ones, and the hottest expert gets a copy in the place of the spare copy that is missed least, as EPLB replicates. No expert
// becomes less safe. Deterministic. Whether there was a step.
bool Balance(LayerCopies& copies, double target);

}  // namespace baleen

#endif  // BALEEN_SERVICES_PLACEMENT_PLANNER_BALANCE_H_
