#include "services/placement/planner/plan.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"

namespace baleen {
namespace {

void AppendBlock(uint32_t experts, uint32_t shards, uint32_t block, std::vector<uint32_t>& out) {
  const uint32_t begin = static_cast<uint64_t>(block) * experts / shards;
  const uint32_t end = static_cast<uint64_t>(block + 1) * experts / shards;
  for (uint32_t expert = begin; expert < end; ++expert) out.push_back(expert);
}

}  // namespace

absl::Status CheckPlanInput(const PlanInput& input) {
  const auto& [shape, shards, replicas, loads] = input;
  auto invalid = [](auto&&... parts) { return absl::InvalidArgumentError(absl::StrCat("plan: ", parts...)); };
  if (shape.moe_layers == 0 || shape.moe_layers > kMaxLayers || shape.first_moe_layer > kMaxLayers) {
    return invalid("MoE layers ", shape.first_moe_layer, "+", shape.moe_layers, " are outside 1..", kMaxLayers);
  }
  if (shape.experts == 0 || shape.experts > kMaxExperts) return invalid(shape.experts, " experts are outside 1..", kMaxExperts);
  if (shards == 0 || shards > kMaxShards) return invalid(shards, " shards are outside 1..", kMaxShards);
  if (shards > shape.experts) return invalid(shards, " shards are more than the ", shape.experts, " experts of a layer");
  if (replicas == 0 || replicas > shards) return invalid(replicas, " replicas are outside 1..", shards, " shards");
  if (loads.empty()) return absl::OkStatus();
  if (loads.size() != shape.moe_layers) return invalid("loads of ", loads.size(), " layers for ", shape.moe_layers);
  for (const auto& layer : loads) {
    if (layer.size() != shape.experts) return invalid("loads of ", layer.size(), " experts for ", shape.experts);
  }
  return absl::OkStatus();
}

absl::StatusOr<Plan> PlanEvenly(const PlanInput& input) {
  RETURN_IF_ERROR(CheckPlanInput(input));
  Plan plan(input.shards);
  for (uint32_t slot = 0; slot < input.shards; ++slot) {
    std::vector<uint32_t> experts;
    for (uint32_t copy = 0; copy < input.replicas; ++copy) {
      AppendBlock(input.shape.experts, input.shards, (slot + input.shards - copy) % input.shards, experts);
    }
    std::sort(experts.begin(), experts.end());
    for (uint32_t i = 0; i < input.shape.moe_layers; ++i) plan[slot].push_back({input.shape.first_moe_layer + i, experts});
  }
  return plan;
}

}  // namespace baleen
