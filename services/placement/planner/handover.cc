#include "services/placement/planner/handover.h"

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

}  // namespace baleen
