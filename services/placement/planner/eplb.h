// DeepSeek's expert-parallel load balancer (github.com/deepseek-ai/EPLB): copies of hot experts, packed so that devices carry alike.
#ifndef BALEEN_SERVICES_PLACEMENT_PLANNER_EPLB_H_
#define BALEEN_SERVICES_PLACEMENT_PLANNER_EPLB_H_

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"

namespace baleen {

struct EplbShape {
  uint32_t slots = 0;  // Physical experts of the layer, a multiple of devices.
  uint32_t groups = 1;
  uint32_t nodes = 1;
  uint32_t devices = 1;
};

// Which expert each slot holds, [slots]; slot order is node-major, then device-major. Hierarchical when groups % nodes is 0: groups are
// packed to nodes, copies made within a node, packed to its devices. Otherwise global: the same with one group on one node. Ties go to
// the lowest index. loads [experts]: rows routed lately.
// INVALID_ARGUMENT unless experts % groups, devices % nodes and slots % devices are 0 and slots >= experts > 0.
absl::StatusOr<std::vector<uint32_t>> BalanceSlots(const std::vector<double>& loads, EplbShape shape);

}  // namespace baleen

#endif  // BALEEN_SERVICES_PLACEMENT_PLANNER_EPLB_H_
