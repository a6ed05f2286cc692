#include "model/weights/network_weights.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "model/weights/part_finisher.h"

namespace baleen {
namespace {

absl::Status LoadFeedForward(Checkpoint& checkpoint, const ModelConfig& config, int64_t layer, const std::string& prefix,
                             const Numerics& numerics, PanelSource* panels, LayerWeights* weights) {
  if (!config.IsMoe(layer)) {
    ASSIGN_OR_RETURN(weights->dense, MlpWeights::Load(checkpoint, prefix, config.hidden_size, config.intermediate_size, numerics, panels));
    return absl::OkStatus();
  }
  ASSIGN_OR_RETURN(weights->gate, GateWeights::Load(checkpoint, config, prefix + "gate.", numerics, panels));
  if (config.n_shared_experts > 0) {
    const int64_t inner = config.n_shared_experts * config.moe_intermediate_size;
    ASSIGN_OR_RETURN(weights->shared,
                     MlpWeights::Load(checkpoint, prefix + "shared_experts.", config.hidden_size, inner, numerics, panels));
  }
  return absl::OkStatus();
}

absl::StatusOr<LayerWeights> LoadLayer(Checkpoint& checkpoint, const ModelConfig& config, int64_t layer, const Numerics& numerics,
                                       SharedWeights* shared, PartFinisher* finisher) {
  const std::string prefix = absl::StrCat("model.layers.", layer, ".");
  LayerWeights weights;
  std::unique_ptr<WeightUnit> unit = OpenUnit(shared, absl::StrCat("layer-", layer));
  ASSIGN_OR_RETURN(weights.input_norm, checkpoint.GetVector(prefix + "input_layernorm.weight", config.hidden_size));
  ASSIGN_OR_RETURN(weights.post_attention_norm, checkpoint.GetVector(prefix + "post_attention_layernorm.weight", config.hidden_size));
  ASSIGN_OR_RETURN(weights.attention, AttentionWeights::Load(checkpoint, config, prefix + "self_attn.", numerics, unit.get()));
  RETURN_IF_ERROR(LoadFeedForward(checkpoint, config, layer, prefix + "mlp.", numerics, unit.get(), &weights));
  finisher->Finish(std::move(unit));
  return weights;
}

}  // namespace

absl::StatusOr<NetworkWeights> NetworkWeights::Load(Checkpoint& checkpoint, const ModelConfig& config, const Numerics& numerics, bool mtp,
                                                    SharedWeights* shared) {
  NetworkWeights weights;
  PartFinisher finisher(&checkpoint);
  if (mtp) {
    ASSIGN_OR_RETURN(weights.mtp, MtpWeights::Load(checkpoint, config, numerics, shared, &finisher));
  }
  ASSIGN_OR_RETURN(weights.embedding, Embedding::Load(checkpoint, config));
  for (int64_t layer = 0; layer < config.num_hidden_layers + (mtp ? 1 : 0); ++layer) {
    ASSIGN_OR_RETURN(LayerWeights loaded, LoadLayer(checkpoint, config, layer, numerics, shared, &finisher));
    weights.layers.push_back(std::move(loaded));
  }
  ASSIGN_OR_RETURN(weights.final_norm, checkpoint.GetVector("model.norm.weight", config.hidden_size));
  WeightView head = weights.embedding.view();
  if (!config.tie_word_embeddings) {
    ASSIGN_OR_RETURN(head, checkpoint.GetWeight("lm_head.weight", config.vocab_size, config.hidden_size));
  }
  std::unique_ptr<WeightUnit> unit = OpenUnit(shared, "head");
  weights.lm_head = PackedLinear::Pack(head, numerics.head(), numerics.isa, unit.get());
  finisher.Finish(std::move(unit));
  return weights;
}

}  // namespace baleen
