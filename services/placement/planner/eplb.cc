#include "services/placement/planner/eplb.h"

#include <algorithm>
#include <numeric>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"

namespace baleen {
namespace {

using Items = std::vector<uint32_t>;

absl::Status CheckShape(size_t experts, const EplbShape& shape) {
  if (experts == 0 || shape.groups == 0 || shape.nodes == 0 || shape.devices == 0 || experts % shape.groups != 0 ||
      shape.devices % shape.nodes != 0 || shape.slots % shape.devices != 0 || shape.slots < experts) {
    return absl::InvalidArgumentError(absl::StrCat("EPLB cannot split ", experts, " experts in ", shape.groups, " groups over ",
                                                   shape.slots, " slots of ", shape.devices, " devices on ", shape.nodes, " nodes"));
  }
  return absl::OkStatus();
}

// Heaviest first, each to the lightest pack that still has room for another of items/packs. Returns the items of each pack, by rank.
std::vector<Items> Pack(const std::vector<double>& weights, uint32_t packs) {
  const size_t room = weights.size() / packs;
  std::vector<Items> packed(packs);
  Items order(weights.size());
  std::iota(order.begin(), order.end(), 0);
  if (room > 1) std::stable_sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) { return weights[a] > weights[b]; });
  std::vector<double> sums(packs);
  for (size_t i = 0; i < order.size(); ++i) {
    size_t best = packs;
    for (size_t pack = 0; pack < packs; ++pack) {
      if (packed[pack].size() < room && (best == packs || sums[pack] < sums[best])) best = pack;
    }
    if (room == 1) best = i;
    packed[best].push_back(order[i]);
    sums[best] += weights[order[i]];
  }
  return packed;
}

// One copy of each item, then more of whichever has the highest load per copy, appended in that order.
Items Replicate(const std::vector<double>& loads, size_t slots, std::vector<uint32_t>* copies) {
  Items held(loads.size());
  std::iota(held.begin(), held.end(), 0);
  copies->assign(loads.size(), 1);
  while (held.size() < slots) {
    size_t hottest = 0;
    for (size_t i = 1; i < loads.size(); ++i) {
      if (loads[i] / (*copies)[i] > loads[hottest] / (*copies)[hottest]) hottest = i;
    }
    held.push_back(static_cast<uint32_t>(hottest));
    ++(*copies)[hottest];
  }
  return held;
}

// Experts in the order of the nodes that their groups were packed to.
Items OrderByNode(const std::vector<double>& loads, const EplbShape& shape) {
  const size_t group_size = loads.size() / shape.groups;
  std::vector<double> group_loads(shape.groups);
  for (size_t expert = 0; expert < loads.size(); ++expert) group_loads[expert / group_size] += loads[expert];
  Items order;
  for (const Items& node : Pack(group_loads, shape.nodes)) {
    for (const uint32_t group : node) {
      for (size_t i = 0; i < group_size; ++i) order.push_back(static_cast<uint32_t>(group * group_size + i));
    }
  }
  return order;
}

// The slots of one node, device by device; `experts` are the node's.
void AppendNode(const std::vector<double>& loads, const Items& experts, size_t slots, uint32_t devices, Items* out) {
  std::vector<double> node_loads;
  for (const uint32_t expert : experts) node_loads.push_back(loads[expert]);
  std::vector<uint32_t> copies;
  const Items held = Replicate(node_loads, slots, &copies);
  std::vector<double> slot_loads;
  for (const uint32_t item : held) slot_loads.push_back(node_loads[item] / copies[item]);
  for (const Items& device : Pack(slot_loads, devices)) {
    for (const uint32_t slot : device) out->push_back(experts[held[slot]]);
  }
}

}  // namespace

absl::StatusOr<std::vector<uint32_t>> BalanceSlots(const std::vector<double>& loads, EplbShape shape) {
  if (shape.nodes == 0 || shape.groups % shape.nodes != 0) shape.groups = shape.nodes = 1;
  RETURN_IF_ERROR(CheckShape(loads.size(), shape));
  const Items order = OrderByNode(loads, shape);
  const size_t node_experts = loads.size() / shape.nodes;
  Items slots;
  for (uint32_t node = 0; node < shape.nodes; ++node) {
    const auto begin = order.begin() + static_cast<ptrdiff_t>(node * node_experts);
    AppendNode(loads, {begin, begin + static_cast<ptrdiff_t>(node_experts)}, shape.slots / shape.nodes, shape.devices / shape.nodes,
               &slots);
  }
  return slots;
}

}  // namespace baleen
