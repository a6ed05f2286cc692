#include "model/weights/network_weights.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "model/weights/load_parts.h"

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

// What is before the layers and behind them.
absl::Status LoadEnds(Checkpoint& checkpoint, const ModelConfig& config, const Numerics& numerics, SharedWeights* shared,
                      PartFinisher* finisher, NetworkWeights* weights) {
  ASSIGN_OR_RETURN(weights->embedding, Embedding::Load(checkpoint, config));
  ASSIGN_OR_RETURN(weights->final_norm, checkpoint.GetVector("model.norm.weight", config.hidden_size));
  WeightView head = weights->embedding.view();
  if (!config.tie_word_embeddings) {
    ASSIGN_OR_RETURN(head, checkpoint.GetWeight("lm_head.weight", config.vocab_size, config.hidden_size));
  }
  std::unique_ptr<WeightUnit> unit = OpenUnit(shared, "head");
  weights->lm_head = PackedLinear::Pack(head, numerics.head(), numerics.isa, unit.get());
  finisher->Finish(std::move(unit));
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<NetworkWeights> NetworkWeights::Load(Checkpoint& checkpoint, const ModelConfig& config, const Numerics& numerics, bool mtp,
                                                    SharedWeights* shared) {
  NetworkWeights weights;
  weights.layers.resize(static_cast<size_t>(config.num_hidden_layers + (mtp ? 1 : 0)));
  // The head, the largest part, comes first; layers are the last parts.
  const size_t first_layer = mtp ? 2 : 1;
  const auto load = [&](size_t part, PartFinisher* finisher) -> absl::Status {
    if (part == 0) return LoadEnds(checkpoint, config, numerics, shared, finisher, &weights);
    if (part < first_layer) {
      ASSIGN_OR_RETURN(weights.mtp, MtpWeights::Load(checkpoint, config, numerics, shared, finisher));
      return absl::OkStatus();
    }
    const size_t layer = part - first_layer;
    ASSIGN_OR_RETURN(weights.layers[layer], LoadLayer(checkpoint, config, static_cast<int64_t>(layer), numerics, shared, finisher));
    return absl::OkStatus();
  };
  const size_t parts = first_layer + weights.layers.size();
  RETURN_IF_ERROR(LoadParts(&checkpoint, parts, LoadThreads(parts), load));
  return weights;
}

}  // namespace baleen
