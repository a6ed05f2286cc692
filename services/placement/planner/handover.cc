#include "services/placement/planner/handover.h"

#include <algorithm>
#include <utility>

namespace baleen {
namespace {

// Which of two begins with the lower layer and expert; nothing comes last.
bool ComesFirst(const Holdings& a, const Holdings& b) {
  if (a.empty() || b.empty()) return !a.empty() && b.empty();
  return std::pair(a[0].layer, a[0].experts[0]) < std::pair(b[0].layer, b[0].experts[0]);
}

}  // namespace

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
  Holdings present;
  for (const ShardHoldings& shard : shards) present = Union(present, shard.loaded);
  std::vector<Holdings> staged, waiting;
  bool moving = false;
  for (size_t i = 0; i < shards.size(); ++i) {
    const Holdings here = Union(told[i], shards[i].loaded);
    const Holdings lost = Difference(shards[i].target, present);
    const Holdings kept = Union(Union(told[i], Intersection(wanted[i], shards[i].loaded)), lost);
    const size_t limit = CountExperts(shards[i].target) + MovingRoom(shards[i].target);
    const size_t used = CountExperts(Union(here, lost));
    staged.push_back(Union(kept, First(Difference(wanted[i], kept), limit > used ? limit - used : 0)));
    waiting.push_back(Difference(wanted[i], staged[i]));
    moving = moving || !Difference(staged[i], shards[i].loaded).empty() || !Difference(here, wanted[i]).empty();
  }
  if (moving) return staged;
  const auto first = std::min_element(waiting.begin(), waiting.end(), ComesFirst);
  if (first != waiting.end() && !first->empty()) {
    const auto i = static_cast<size_t>(first - waiting.begin());
    staged[i] = Union(staged[i], First(*first, MovingRoom(shards[i].target)));
  }
  return staged;
}

}  // namespace baleen
