#include "services/placement/planner/plan.h"

#include <algorithm>
#include <map>
#include <numeric>

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

// Calls use(shard, MoE layer from 0, expert) for what the plan has of the model's first `layers` MoE layers.
template <typename Use>
void ForEachCopy(const ModelShape& shape, const Plan& plan, size_t layers, const Use& use) {
  for (size_t shard = 0; shard < plan.size(); ++shard) {
    for (const LayerExperts& held : plan[shard]) {
      const uint32_t layer = held.layer - shape.first_moe_layer;
      if (held.layer < shape.first_moe_layer || layer >= layers) continue;
      for (const uint32_t expert : held.experts) {
        if (expert < shape.experts) use(shard, layer, expert);
      }
    }
  }
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
  const size_t layers = std::min<size_t>(shape.moe_layers, loads.size());
  if (plan.empty()) return 1;
  std::vector<std::vector<uint32_t>> copies(layers, std::vector<uint32_t>(shape.experts));
  ForEachCopy(shape, plan, layers, [&](size_t, size_t layer, uint32_t expert) { ++copies[layer][expert]; });
  std::vector<std::vector<double>> shard_loads(layers, std::vector<double>(plan.size()));
  ForEachCopy(shape, plan, layers, [&](size_t shard, size_t layer, uint32_t expert) {
    shard_loads[layer][shard] += loads[layer][expert] / copies[layer][expert];
  });
  double peaks = 0, means = 0;
  for (size_t layer = 0; layer < layers; ++layer) {
    peaks += *std::max_element(shard_loads[layer].begin(), shard_loads[layer].end());
    means += std::accumulate(loads[layer].begin(), loads[layer].end(), 0.0) / static_cast<double>(plan.size());
  }
  return means > 0 ? peaks / means : 1;
}

}  // namespace baleen
