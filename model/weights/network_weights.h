// Everything of a checkpoint but the routed experts.
#ifndef BALEEN_MODEL_WEIGHTS_NETWORK_WEIGHTS_H_
#define BALEEN_MODEL_WEIGHTS_NETWORK_WEIGHTS_H_

#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "kernels/linear.h"
#include "model/checkpoint/checkpoint.h"
#include "model/config/model_config.h"
#include "model/layers/numerics.h"
#include "model/weights/attention_weights.h"
#include "model/weights/embedding.h"
#include "model/weights/gate_weights.h"
#include "model/weights/mlp_weights.h"
#include "model/weights/mtp_weights.h"
#include "model/weights/shared_weights.h"

namespace baleen {

struct LayerWeights {
  std::vector<float> input_norm;           // [hidden]
  std::vector<float> post_attention_norm;  // [hidden]
  AttentionWeights attention;
  std::optional<MlpWeights> dense;   // Dense layers.
  std::optional<GateWeights> gate;   // MoE layers.
  std::optional<MlpWeights> shared;  // MoE layers with shared experts; one MLP of inner size n_shared_experts * moe_intermediate_size.
};

// Immutable once loaded; the checkpoint must outlive it (the embedding stays mapped).
struct NetworkWeights {
  Embedding embedding;
  std::vector<LayerWeights> layers;  // num_hidden_layers, then the MTP layer's where it is loaded.
  std::vector<float> final_norm;     // [hidden]
  PackedLinear lm_head;              // hidden -> vocab_size
  std::optional<MtpWeights> mtp;

  // Packed weights come from `shared`, where it is not null, and go there. Without `mtp` no tensor of the MTP layer is read.
  static absl::StatusOr<NetworkWeights> Load(Checkpoint& checkpoint, const ModelConfig& config, const Numerics& numerics, bool mtp = false,
                                             SharedWeights* shared = nullptr);
};

}  // namespace baleen

#endif  // BALEEN_MODEL_WEIGHTS_NETWORK_WEIGHTS_H_
