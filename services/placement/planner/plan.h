// Which expert shard is to hold which experts: pure functions over values. Policies share one signature, so another slots in.
#ifndef BALEEN_SERVICES_PLACEMENT_PLANNER_PLAN_H_
#define BALEEN_SERVICES_PLACEMENT_PLANNER_PLAN_H_

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"

namespace baleen {

struct ModelShape {
  uint32_t first_moe_layer = 0;
  uint32_t moe_layers = 0;
  uint32_t experts = 0;  // Routed experts of each MoE layer.

  friend bool operator==(const ModelShape&, const ModelShape&) = default;
};

// Experts of one layer, ascending and distinct.
struct LayerExperts {
  uint32_t layer = 0;
  std::vector<uint32_t> experts;

  friend bool operator==(const LayerExperts&, const LayerExperts&) = default;
};

struct PlanInput {
  ModelShape shape;
  uint32_t shards = 0;    // Slots to fill.
  uint32_t replicas = 1;  // Copies of each expert, on distinct slots.
  // [moe_layers][experts], rows routed lately; empty = unknown.
  std::vector<std::vector<double>> loads;
};

// [shards][moe_layers]: what each slot holds, layers ascending.
using Plan = std::vector<std::vector<LayerExperts>>;

// Largest values a plan accepts; far above any known model and any sane cluster.
inline constexpr uint32_t kMaxLayers = 1024;
inline constexpr uint32_t kMaxExperts = 4096;
inline constexpr uint32_t kMaxShards = 4096;

// INVALID_ARGUMENT names the value out of bounds: no shards, more shards than experts, replicas outside 1..shards, loads of another shape.
absl::Status CheckPlanInput(const PlanInput& input);

// Each layer's experts in `shards` contiguous blocks whose sizes differ by at most one; slot s holds block s and, for further copies,
// blocks s-1, s-2, ... Ignores loads. Deterministic.
absl::StatusOr<Plan> PlanEvenly(const PlanInput& input);

}  // namespace baleen

#endif  // BALEEN_SERVICES_PLACEMENT_PLANNER_PLAN_H_
