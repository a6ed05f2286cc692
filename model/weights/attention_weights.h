// One layer's latent attention projections (model spec sections 2 and 3.1).
#ifndef BALEEN_MODEL_WEIGHTS_ATTENTION_WEIGHTS_H_
#define BALEEN_MODEL_WEIGHTS_ATTENTION_WEIGHTS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "kernels/linear.h"
#include "kernels/panel_source.h"
#include "model/checkpoint/checkpoint.h"
#include "model/config/model_config.h"
#include "model/layers/numerics.h"

namespace baleen {

// Immutable once loaded. Rope channels are in interleaved order whatever the checkpoint's order is.
struct AttentionWeights {
  PackedLinear q_a;              // hidden -> q_lora; empty when q_lora_rank is 0.
  std::vector<float> q_a_norm;   // [q_lora]; empty when q_lora_rank is 0.
  PackedLinear q_b;              // q_lora (or hidden) -> heads * (nope + rope), nope first in a head.
  PackedLinear kv_a;             // hidden -> kv_lora + rope
  std::vector<float> kv_a_norm;  // [kv_lora]
  // Per head, never quantised. W_UK transposed: nope -> kv_lora. W_UV: kv_lora -> v, kept in F32 so that the attention's output stays
  // unrounded.
  std::vector<PackedLinear> w_uk;
  std::vector<PackedLinear> w_uv;
  PackedLinear o;  // heads * v -> hidden

  // `prefix` is "model.layers.N.self_attn.".
  static absl::StatusOr<AttentionWeights> Load(Checkpoint& checkpoint, const ModelConfig& config, const std::string& prefix,
                                               const Numerics& numerics, PanelSource* panels = nullptr);
};

}  // namespace baleen

#endif  // BALEEN_MODEL_WEIGHTS_ATTENTION_WEIGHTS_H_
