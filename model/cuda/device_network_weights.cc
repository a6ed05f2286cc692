#include "model/cuda/device_network_weights.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "kernels/cuda/gate/gate.h"
#include "kernels/cuda/mla/mla.h"
#include "kernels/cuda/norm/rms_norm.h"
#include "model/cuda/device_status.h"
#include "model/cuda/rounding.h"
#include "model/weights/gate_weights.h"
#include "model/weights/part_finisher.h"
#include "model/weights/shared_weights.h"
#include "model/weights/weight_views.h"

namespace baleen {
namespace {

constexpr char kEmbedding[] = "model.embed_tokens.weight";

absl::Status AtMost(const char* name, int64_t value, int64_t most) {
  if (value <= most) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(name, " is ", value, "; on a GPU at most ", most));
}

// Sizes that kernels refuse would fail every step. Without rows a kernel looks at the sizes alone.
absl::Status CheckKernels(const ModelConfig& config, const DeviceAttentionShape& shape) {
  RETURN_IF_ERROR(AtMost("hidden_size", config.hidden_size, cuda::kMaxNormWidth));
  RETURN_IF_ERROR(AtMost("q_lora_rank", shape.q_lora, cuda::kMaxNormWidth));
  cuda::MlaArgs attention;
  attention.heads = static_cast<int>(shape.heads);
  attention.latent = static_cast<int>(shape.kv_lora);
  attention.rope = static_cast<int>(shape.rope);
  attention.scale = static_cast<float>(config.SoftmaxScale());
  attention.largest_position = config.max_position_embeddings;
  cuda::GateArgs gate;
  gate.params = GateParamsOf(config);
  for (const std::string& problem : {cuda::MlaProblem(attention), config.moe_layers() > 0 ? cuda::GateProblem(gate) : ""}) {
    if (!problem.empty()) return absl::InvalidArgumentError(problem);
  }
  return absl::OkStatus();
}

absl::StatusOr<cuda::DeviceMemory> LoadVector(Checkpoint& checkpoint, const std::string& name, int64_t size) {
  ASSIGN_OR_RETURN(const std::vector<float> values, checkpoint.GetVector(name, size));
  return UploadFloats(values);
}

absl::StatusOr<DeviceMatrix> LoadBf16(Checkpoint& checkpoint, const std::string& name, int64_t outputs, int64_t inputs) {
  ASSIGN_OR_RETURN(const WeightView view, checkpoint.GetWeight(name, outputs, inputs));
  return DeviceMatrix::Of(view, DType::kBf16, inputs);
}

absl::StatusOr<DeviceGateWeights> LoadGate(Checkpoint& checkpoint, const ModelConfig& config, const std::string& prefix) {
  DeviceGateWeights gate;
  gate.params = GateParamsOf(config);
  ASSIGN_OR_RETURN(gate.linear, LoadBf16(checkpoint, prefix + "weight", config.n_routed_experts, config.hidden_size));
  if (config.topk_method == TopkMethod::kNoauxTc) {
    ASSIGN_OR_RETURN(gate.bias, LoadVector(checkpoint, prefix + "e_score_correction_bias", config.n_routed_experts));
  }
  return gate;
}

absl::Status LoadFeedForward(Checkpoint& checkpoint, const ModelConfig& config, int64_t layer, const std::string& prefix, DType compute,
                             DeviceLayerWeights* weights) {
  const int64_t hidden = config.hidden_size;
  if (!config.IsMoe(layer)) {
    ASSIGN_OR_RETURN(weights->dense, DeviceMlpWeights::Load(checkpoint, prefix, hidden, config.intermediate_size, compute));
    return absl::OkStatus();
  }
  ASSIGN_OR_RETURN(weights->gate, LoadGate(checkpoint, config, prefix + "gate."));
  if (config.n_shared_experts == 0) return absl::OkStatus();
  const int64_t inner = config.n_shared_experts * config.moe_intermediate_size;
  ASSIGN_OR_RETURN(weights->shared, DeviceMlpWeights::Load(checkpoint, prefix + "shared_experts.", hidden, inner, compute));
  return absl::OkStatus();
}

absl::StatusOr<DeviceLayerWeights> LoadLayer(Checkpoint& checkpoint, const ModelConfig& config, const DeviceAttentionShape& shape,
                                             int64_t layer, DType compute) {
  const std::string prefix = absl::StrCat("model.layers.", layer, ".");
  DeviceLayerWeights weights;
  ASSIGN_OR_RETURN(weights.input_norm, LoadVector(checkpoint, prefix + "input_layernorm.weight", config.hidden_size));
  ASSIGN_OR_RETURN(weights.post_attention_norm, LoadVector(checkpoint, prefix + "post_attention_layernorm.weight", config.hidden_size));
  ASSIGN_OR_RETURN(weights.attention, DeviceAttentionWeights::Load(checkpoint, config, shape, prefix + "self_attn.", compute));
  RETURN_IF_ERROR(LoadFeedForward(checkpoint, config, layer, prefix + "mlp.", compute, &weights));
  return weights;
}

absl::StatusOr<DeviceMtpWeights> LoadMtp(Checkpoint& checkpoint, const ModelConfig& config) {
  if (config.num_nextn_predict_layers == 0) {
    return absl::InvalidArgumentError("MTP is on, but the checkpoint has no next-token layer (num_nextn_predict_layers)");
  }
  const std::string prefix = absl::StrCat("model.layers.", config.num_hidden_layers, ".");
  const int64_t hidden = config.hidden_size;
  DeviceMtpWeights weights;
  ASSIGN_OR_RETURN(weights.embedding_norm, LoadVector(checkpoint, prefix + "enorm.weight", hidden));
  ASSIGN_OR_RETURN(weights.hidden_norm, LoadVector(checkpoint, prefix + "hnorm.weight", hidden));
  ASSIGN_OR_RETURN(weights.head_norm, LoadVector(checkpoint, prefix + "shared_head.norm.weight", hidden));
  ASSIGN_OR_RETURN(weights.projection, LoadBf16(checkpoint, prefix + "eh_proj.weight", hidden, 2 * hidden));
  return weights;
}

// The slice's rows of a matrix that has one for each id; zeros behind the vocabulary, of which a product takes no odd number.
absl::StatusOr<DeviceMatrix> LoadVocabulary(Checkpoint& checkpoint, const ModelConfig& config, const char* name, RankSlice slice) {
  ASSIGN_OR_RETURN(const WeightView all, checkpoint.GetWeight(name, config.vocab_size, config.hidden_size));
  const int64_t rows = slice.Count(PaddedLogits(config, slice));
  const int64_t begin = std::min(slice.rank * rows, config.vocab_size);
  ASSIGN_OR_RETURN(DeviceMatrix part, DeviceMatrix::Allocate(DType::kBf16, rows, config.hidden_size));
  RETURN_IF_ERROR(part.Upload(SliceRows(all, begin, std::min(rows, config.vocab_size - begin)), 0, rows));
  return part;
}

}  // namespace

int64_t PaddedLogits(const ModelConfig& config, RankSlice slice) { return RoundUp(config.vocab_size, 4 * slice.size); }

absl::StatusOr<DeviceNetworkWeights> DeviceNetworkWeights::Load(Checkpoint& checkpoint, const ModelConfig& config, DType compute, bool mtp,
                                                                RankSlice slice) {
  DeviceNetworkWeights weights;
  ASSIGN_OR_RETURN(weights.shape, DeviceAttentionShape::Of(config, compute, slice));
  RETURN_IF_ERROR(CheckKernels(config, weights.shape));
  PartFinisher finisher(&checkpoint);
  ASSIGN_OR_RETURN(weights.embedding, LoadVocabulary(checkpoint, config, kEmbedding, RankSlice()));
  finisher.Finish(OpenUnit(nullptr, "embedding"));
  if (mtp) {
    ASSIGN_OR_RETURN(weights.mtp, LoadMtp(checkpoint, config));
  }
  for (int64_t layer = 0; layer < config.num_hidden_layers + (mtp ? 1 : 0); ++layer) {
    ASSIGN_OR_RETURN(DeviceLayerWeights loaded, LoadLayer(checkpoint, config, weights.shape, layer, compute));
    weights.layers.push_back(std::move(loaded));
    finisher.Finish(OpenUnit(nullptr, absl::StrCat("layer-", layer)));
  }
  ASSIGN_OR_RETURN(weights.final_norm, LoadVector(checkpoint, "model.norm.weight", config.hidden_size));
  if (!config.tie_word_embeddings || slice.size > 1) {
    const char* const head = config.tie_word_embeddings ? kEmbedding : "lm_head.weight";
    ASSIGN_OR_RETURN(weights.lm_head, LoadVocabulary(checkpoint, config, head, slice));
  }
  finisher.Finish(OpenUnit(nullptr, "head"));
  ASSIGN_OR_RETURN(weights.rope_frequencies, UploadFloats(config.RopeFrequencies()));
  RETURN_IF_ERROR(FromDevice(cuda::SynchronizeDevice()));
  return weights;
}

}  // namespace baleen
