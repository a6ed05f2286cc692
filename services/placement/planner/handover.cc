#include "services/placement/planner/handover.h"

#include <algorithm>

namespace baleen {

std::vector<Holdings> HoldUntilReplaced(const std::vector<ShardHoldings>& shards) {
  Holdings planned, awaited;
  for (const ShardHoldings& shard : shards) {
    planned = Union(planned, shard.target);
    awaited = Union(awaited, Difference(shard.target, shard.loaded));
  }
  const Holdings replaced = Difference(planned, awaited);
  std::vector<Holdings> hold;
  hold.reserve(shards.size());
  for (const ShardHoldings& shard : shards) hold.push_back(Union(shard.target, Difference(shard.loaded, replaced)));
  return hold;
}

size_t MovingRoom(const Holdings& target) {
  size_t room = CountExperts(target) / 8;
  for (const LayerExperts& layer : target) room = std::max(room, layer.experts.size());
  return room;
}

std::vector<Holdings> StageLoads(const std::vector<ShardHoldings>& shards, const std::vector<Holdings>& wanted,
                                 const std::vector<Holdings>& told) {
  std::vector<Holdings> staged;
  bool moving = false;
  for (size_t i = 0; i < shards.size(); ++i) {
    const Holdings here = Union(told[i], shards[i].loaded);
    const Holdings kept = Union(told[i], Intersection(wanted[i], shards[i].loaded));
    const size_t limit = CountExperts(shards[i].target) + MovingRoom(shards[i].target);
    const size_t used = CountExperts(here);
    staged.push_back(Union(kept, First(Difference(wanted[i], kept), limit > used ? limit - used : 0)));
    moving = moving || !Difference(staged[i], shards[i].loaded).empty() || !Difference(here, wanted[i]).empty();
  }
  if (moving) return staged;
  for (size_t i = 0; i < shards.size(); ++i) {
    staged[i] = Union(staged[i], First(Difference(wanted[i], staged[i]), MovingRoom(shards[i].target)));
  }
  return staged;
}

}  // namespace baleen
