#include "services/placement/planner/plan.h"

#include <algorithm>
#include <map>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "services/placement/planner/layer_plan.h"

namespace baleen {
namespace {

// Distinct names in order of appearance; shards without one get numbers of their own.
std::vector<uint32_t> NumberDomains(const std::vector<PlanShard>& shards) {
  std::map<std::string, uint32_t> numbers;
  std::vector<uint32_t> domains;
  uint32_t next = 0;
  for (const PlanShard& shard : shards) {
    if (shard.failure_domain.empty()) {
      domains.push_back(next++);
      continue;
    }
    const auto [it, is_new] = numbers.try_emplace(shard.failure_domain, next);
    next += is_new ? 1 : 0;
    domains.push_back(it->second);
  }
  return domains;
}

std::vector<double> LoadsOf(const PlanInput& input, uint32_t index) {
  const std::vector<double> even(input.shape.experts, 1.0);
  if (input.loads.empty()) return even;
  const std::vector<double>& loads = input.loads[index];
  return std::any_of(loads.begin(), loads.end(), [](double load) { return load > 0; }) ? loads : even;
}

// What the shards hold of a layer, and the model has.
LayerPlan CurrentOf(const PlanInput& input, uint32_t layer) {
  LayerPlan current(input.shards.size());
  for (size_t shard = 0; shard < current.size(); ++shard) {
    for (const LayerExperts& held : input.shards[shard].current) {
      if (held.layer != layer) continue;
      for (const uint32_t expert : held.experts) {
        if (expert < input.shape.experts) current[shard].push_back(expert);
      }
    }
  }
  return current;
}

}  // namespace

absl::Status CheckPlanInput(const PlanInput& input) {
  const ModelShape& shape = input.shape;
  const auto invalid = [](const auto&... parts) { return absl::InvalidArgumentError(absl::StrCat("plan: ", parts...)); };
  if (shape.moe_layers == 0 || shape.moe_layers > kMaxLayers || shape.first_moe_layer > kMaxLayers) {
    return invalid("MoE layers ", shape.first_moe_layer, "+", shape.moe_layers, " are outside 1..", kMaxLayers);
  }
  if (shape.experts == 0 || shape.experts > kMaxExperts) return invalid(shape.experts, " experts are outside 1..", kMaxExperts);
  if (shape.groups > shape.experts) return invalid(shape.groups, " groups of ", shape.experts, " experts");
  if (input.shards.empty() || input.shards.size() > kMaxShards) return invalid(input.shards.size(), " shards are outside 1..", kMaxShards);
  if (input.replicas == 0) return invalid("0 replicas");
  if (input.extra_slots > kMaxExperts) return invalid(input.extra_slots, " extra slots are outside 0..", kMaxExperts);
  if (input.loads.empty()) return absl::OkStatus();
  if (input.loads.size() != shape.moe_layers) return invalid("loads of ", input.loads.size(), " layers for ", shape.moe_layers);
  for (const auto& layer : input.loads) {
    if (layer.size() != shape.experts) return invalid("loads of ", layer.size(), " experts for ", shape.experts);
    if (!std::all_of(layer.begin(), layer.end(), [](double load) { return load >= 0; })) return invalid("a load is not a number >= 0");
  }
  return absl::OkStatus();
}

absl::StatusOr<Plan> PlanExperts(const PlanInput& input) {
  RETURN_IF_ERROR(CheckPlanInput(input));
  LayerSpec spec;
  spec.domains = NumberDomains(input.shards);
  spec.replicas = std::min<uint32_t>(input.replicas, static_cast<uint32_t>(input.shards.size()));
  spec.extra_slots = input.extra_slots;
  Plan plan(input.shards.size());
  for (uint32_t index = 0; index < input.shape.moe_layers; ++index) {
    const uint32_t layer = input.shape.first_moe_layer + index;
    spec.loads = LoadsOf(input, index);
    LayerPlan held = PlanLayer(spec, std::max(1u, input.shape.groups), CurrentOf(input, layer));
    for (size_t shard = 0; shard < plan.size(); ++shard) {
      if (!held[shard].empty()) plan[shard].push_back({layer, std::move(held[shard])});
    }
  }
  return plan;
}

double Imbalance(const ModelShape& shape, const ExpertLoads& loads, const Plan& plan) {
  double peaks = 0, means = 0;
  for (uint32_t index = 0; index < std::min<size_t>(shape.moe_layers, loads.size()); ++index) {
    std::vector<double> shard_loads(plan.size());
    double sum = 0;
    for (uint32_t expert = 0; expert < shape.experts; ++expert) {
      std::vector<size_t> holders;
      for (size_t shard = 0; shard < plan.size(); ++shard) {
        if (Holds(plan[shard], shape.first_moe_layer + index, expert)) holders.push_back(shard);
      }
      for (const size_t shard : holders) shard_loads[shard] += loads[index][expert] / static_cast<double>(holders.size());
      sum += loads[index][expert];
    }
    if (plan.empty()) continue;
    peaks += *std::max_element(shard_loads.begin(), shard_loads.end());
    means += sum / static_cast<double>(plan.size());
  }
  return means > 0 ? peaks / means : 1;
}

}  // namespace baleen
