// Which free slot of a plan a shard takes.
#ifndef BALEEN_SERVICES_PLACEMENT_PLANNER_SLOT_CHOICE_H_
#define BALEEN_SERVICES_PLACEMENT_PLANNER_SLOT_CHOICE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "services/placement/planner/plan.h"

namespace baleen {

struct SlotHolder {
  bool taken = false;
  std::string failure_domain;  // Empty = a domain of its own.
};

// (layer, expert) pairs that both hold.
uint64_t CountShared(const std::vector<LayerExperts>& a, const std::vector<LayerExperts>& b);

// The free slot that shares most with `loaded` (a restarted placement moves nothing), then the one with the fewest experts whose other
// copies lie in the shard's failure domain, then the lowest. nullopt when none is free.
std::optional<uint32_t> ChooseSlot(const Plan& plan, const std::vector<SlotHolder>& holders, const std::vector<LayerExperts>& loaded,
                                   const std::string& failure_domain);

}  // namespace baleen

#endif  // BALEEN_SERVICES_PLACEMENT_PLANNER_SLOT_CHOICE_H_
