// The pass that gives every expert its replicas on distinct failure domains, whatever the copies were before.
#ifndef BALEEN_SERVICES_PLACEMENT_PLANNER_COMPLETE_H_
#define BALEEN_SERVICES_PLACEMENT_PLANNER_COMPLETE_H_

#include "services/placement/planner/layer_copies.h"

namespace baleen {

// Afterwards every expert is safe, no shard holds more than max_slots(), and copies of the hottest experts fill shards to
// filled_slots(). Moves little: a missing copy takes a free slot or a spare copy's; failing both, the shortest chain of moves makes
// room (augmenting paths of bipartite matching). Deterministic.
void Complete(LayerCopies& copies);

}  // namespace baleen

#endif  // BALEEN_SERVICES_PLACEMENT_PLANNER_COMPLETE_H_
