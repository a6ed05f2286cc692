#include "services/placement/planner/layer_plan.h"

#include <algorithm>
#include <numeric>
#include <tuple>

#include "services/placement/planner/balance.h"
#include "services/placement/planner/complete.h"
#include "services/placement/planner/eplb.h"

namespace baleen {
namespace {

// How far above EPLB's peak load a plan with fewer moves, or with safe copies, may stay.
constexpr double kTolerance = 1.05;
// Far more than any plan has needed.
constexpr int kPasses = 16;

// Shards domain by domain, as EPLB numbers devices on nodes.
std::vector<uint32_t> ByDomain(const LayerCopies& copies) {
  std::vector<uint32_t> order(copies.shards());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) { return copies.domain(a) < copies.domain(b); });
  return order;
}

bool IsHierarchical(const LayerSpec& spec, const LayerCopies& copies, uint32_t groups) {
  const uint32_t domains = copies.domains();
  // Copies of an expert within one domain are what replicas must not be.
  if (spec.replicas > 1 || groups % domains != 0 || copies.experts() % groups != 0 || copies.shards() % domains != 0) return false;
  std::vector<uint32_t> sizes(domains);
  for (uint32_t shard = 0; shard < copies.shards(); ++shard) ++sizes[copies.domain(shard)];
  return std::all_of(sizes.begin(), sizes.end(), [&](uint32_t size) { return size == copies.shards() / domains; });
}

// EPLB's devices, each with its experts.
LayerPlan PackDevices(const LayerSpec& spec, const LayerCopies& copies, uint32_t groups, bool hierarchical) {
  EplbShape shape{.slots = copies.shards() * copies.filled_slots(), .groups = 1, .nodes = 1, .devices = copies.shards()};
  if (hierarchical) shape.groups = groups, shape.nodes = copies.domains();
  LayerPlan devices(copies.shards());
  const auto slots = BalanceSlots(spec.loads, shape);
  if (!slots.ok()) return devices;
  for (size_t slot = 0; slot < slots->size(); ++slot) devices[slot / copies.filled_slots()].push_back((*slots)[slot]);
  return devices;
}

int64_t CountHeld(const std::vector<uint32_t>& device, const std::vector<uint32_t>& shard) {
  return std::count_if(device.begin(), device.end(),
                       [&](uint32_t expert) { return std::find(shard.begin(), shard.end(), expert) != shard.end(); });
}

// EPLB's packing, whether or not every expert is safe in it.
LayerCopies Pack(const LayerSpec& spec, uint32_t groups) {
  LayerCopies copies(spec);
  const std::vector<uint32_t> order = ByDomain(copies);
  const LayerPlan devices = PackDevices(spec, copies, groups, IsHierarchical(spec, copies, groups));
  for (uint32_t device = 0; device < devices.size(); ++device) {
    for (const uint32_t expert : devices[device]) copies.Add(order[device], expert);
  }
  return copies;
}

// Moves may leave slots that further copies fill, and those make further moves worth it.
void Settle(LayerCopies& copies, double target) {
  Complete(copies);
  for (int pass = 0; pass < kPasses && Balance(copies, target); ++pass) Complete(copies);
}

LayerPlan Extract(const LayerCopies& copies) {
  LayerPlan plan;
  for (uint32_t shard = 0; shard < copies.shards(); ++shard) plan.push_back(copies.Experts(shard));
  return plan;
}

// Gives each shard's part of the plan to the shard that holds most of it, greedily, where the domains allow: parts change places within
// a domain, and among shards that are domains of their own.
LayerPlan Relabel(LayerPlan plan, const LayerPlan& current, const LayerCopies& copies) {
  std::vector<uint32_t> domain_sizes(copies.domains());
  for (uint32_t shard = 0; shard < copies.shards(); ++shard) ++domain_sizes[copies.domain(shard)];
  const auto alone = [&](uint32_t shard) { return domain_sizes[copies.domain(shard)] == 1; };
  std::vector<std::tuple<int64_t, bool, uint32_t, uint32_t>> pairs;  // Minus the experts in common, not in place, part, shard.
  for (uint32_t part = 0; part < plan.size(); ++part) {
    for (uint32_t shard = 0; shard < plan.size(); ++shard) {
      if (copies.domain(part) != copies.domain(shard) && !(alone(part) && alone(shard))) continue;
      pairs.emplace_back(-CountHeld(plan[part], current[shard]), part != shard, part, shard);
    }
  }
  std::sort(pairs.begin(), pairs.end());
  LayerPlan relabelled(plan.size());
  std::vector<char> part_taken(plan.size()), shard_taken(plan.size());
  for (const auto& [cost, elsewhere, part, shard] : pairs) {
    if (part_taken[part] || shard_taken[shard]) continue;
    part_taken[part] = shard_taken[shard] = 1;
    relabelled[shard] = std::move(plan[part]);
  }
  return relabelled;
}

}  // namespace

LayerPlan PlanLayer(const LayerSpec& spec, uint32_t groups, const LayerPlan& current) {
  LayerCopies anew = Pack(spec, groups);
  const double packed = anew.MaxLoad();  // Replicas that are to be added may raise it, places of an expert's second copy there lower it.
  Complete(anew);
  const double target = std::min(packed, anew.MaxLoad()) * kTolerance;
  if (std::all_of(current.begin(), current.end(), [](const auto& held) { return held.empty(); })) {
    Settle(anew, target);
    return Extract(anew);
  }
  LayerCopies adjusted(spec);
  for (uint32_t shard = 0; shard < adjusted.shards(); ++shard) {
    for (const uint32_t expert : current[shard]) adjusted.Add(shard, expert);
  }
  Settle(adjusted, target);
  if (adjusted.MaxLoad() <= target) return Extract(adjusted);
  Settle(anew, target);
  return adjusted.MaxLoad() <= anew.MaxLoad() * kTolerance ? Extract(adjusted) : Relabel(Extract(anew), current, anew);
}

}  // namespace baleen
