// Which expert shard is to hold which experts: pure functions over values.
#ifndef BALEEN_SERVICES_PLACEMENT_PLANNER_PLAN_H_
#define BALEEN_SERVICES_PLACEMENT_PLANNER_PLAN_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "services/placement/planner/holdings.h"

namespace baleen {

struct ModelShape {
  uint32_t first_moe_layer = 0;
  uint32_t moe_layers = 0;
  uint32_t experts = 0;  // Routed experts of each MoE layer.
  uint32_t groups = 1;   // Expert groups of the gate; 0 counts as 1.

  friend bool operator==(const ModelShape&, const ModelShape&) = default;
};

// [moe_layers][experts]: rows routed lately.
using ExpertLoads = std::vector<std::vector<double>>;

struct PlanShard {
  std::string failure_domain;  // Empty = a domain of its own.
  Holdings current;            // What it holds or was told to hold: staying there costs nothing.
};

struct PlanInput {
  ModelShape shape;
  std::vector<PlanShard> shards;
  uint32_t replicas = 1;     // Copies of each expert on distinct failure domains, as far as there are shards and domains.
  uint32_t extra_slots = 0;  // Room of each shard and layer for further copies of hot experts.
  ExpertLoads loads;         // Empty = unknown; a layer of zeros counts as even.
};

// [shards]: what each holds.
using Plan = std::vector<Holdings>;

// Largest values a plan accepts; far above any known model and any sane cluster.
inline constexpr uint32_t kMaxLayers = 1024;
inline constexpr uint32_t kMaxExperts = 4096;
inline constexpr uint32_t kMaxShards = 4096;

// INVALID_ARGUMENT names the value out of bounds.
absl::Status CheckPlanInput(const PlanInput& input);

// For each layer the cheaper of two: the current copies, completed and evened out with few moves, unless EPLB's packing, completed to
// `replicas` on distinct domains and matched to the shards that hold most of it, has a clearly lower peak load. EPLB runs hierarchically
// where its divisibility rules allow and one copy is enough, else globally; slots are rounded up to a multiple of the shards, so there
// is a plan for any number of shards. Deterministic.
absl::StatusOr<Plan> PlanExperts(const PlanInput& input);

// How uneven a plan is: the busiest shard's load over the mean, summed over layers each of which waits for its busiest shard. 1 = even.
double Imbalance(const ModelShape& shape, const ExpertLoads& loads, const Plan& plan);

}  // namespace baleen

#endif  // BALEEN_SERVICES_PLACEMENT_PLANNER_PLAN_H_
