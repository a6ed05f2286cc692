#include "model/weights/gate_weights.h"

#include "base/status_macros.h"

namespace baleen {

GateParams GateParamsOf(const ModelConfig& config) {
  GateParams params;
  params.experts = static_cast<int>(config.n_routed_experts);
  params.top_k = static_cast<int>(config.num_experts_per_tok);
  params.groups = static_cast<int>(config.n_group);
  params.top_groups = static_cast<int>(config.topk_group);
  params.scoring = config.scoring_func == ScoringFunc::kSigmoid ? GateScoring::kSigmoid : GateScoring::kSoftmax;
  params.normalize = config.norm_topk_prob;
  params.scale = static_cast<float>(config.routed_scaling_factor);
  switch (config.topk_method) {
    case TopkMethod::kGreedy:
      params.group_score = GateGroups::kNone;
      break;
    case TopkMethod::kGroupLimitedGreedy:
      params.group_score = GateGroups::kMax;
      break;
    case TopkMethod::kNoauxTc:
      params.group_score = GateGroups::kSumOfTopTwo;
      break;
  }
  return params;
}

absl::StatusOr<GateWeights> GateWeights::Load(Checkpoint& checkpoint, const ModelConfig& config, const std::string& prefix,
                                              const Numerics& numerics, PanelSource* panels) {
  GateWeights weights;
  weights.params = GateParamsOf(config);
  ASSIGN_OR_RETURN(const WeightView linear, checkpoint.GetWeight(prefix + "weight", config.n_routed_experts, config.hidden_size));
  weights.linear = PackedLinear::Pack(linear, DType::kF32, numerics.isa, panels);
  if (config.topk_method == TopkMethod::kNoauxTc) {
    ASSIGN_OR_RETURN(weights.bias, checkpoint.GetVector(prefix + "e_score_correction_bias", config.n_routed_experts));
  }
  return weights;
}

}  // namespace baleen
