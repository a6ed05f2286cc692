#include "model/weights/attention_weights.h"

#include <utility>

#include "base/status_macros.h"
#include "model/weights/weight_views.h"

namespace baleen {
namespace {

// Packs a projection whose output groups end in rope channels; those are brought into interleaved order when they are not.
PackedLinear PackWithRope(const WeightView& view, const ModelConfig& config, int64_t group_rows, const Numerics& numerics,
                          PanelSource* panels) {
  if (config.rope_interleave) return PackedLinear::Pack(view, numerics.compute, numerics.isa, panels);
  const int64_t rope = config.qk_rope_head_dim;
  const std::vector<float> ordered = InterleaveRopeRows(view, group_rows, group_rows - rope, rope);
  WeightView reordered;
  reordered.data = ordered.data();
  reordered.rows = view.rows;
  reordered.cols = view.cols;
  // Reordered rows leave the checkpoint's FP8 blocks; BF16 keeps the bits that FP8 would have.
  const bool keep_bits = view.dtype == DType::kF8E4m3 && numerics.compute == DType::kF8E4m3;
  return PackedLinear::Pack(reordered, keep_bits ? DType::kBf16 : numerics.compute, numerics.isa, panels);
}

absl::Status LoadQuery(Checkpoint& checkpoint, const ModelConfig& config, const std::string& prefix, const Numerics& numerics,
                       PanelSource* panels, AttentionWeights* weights) {
  const int64_t head_rows = config.qk_nope_head_dim + config.qk_rope_head_dim;
  const int64_t rows = config.num_attention_heads * head_rows;
  if (config.q_lora_rank == 0) {
    ASSIGN_OR_RETURN(const WeightView q, checkpoint.GetWeight(prefix + "q_proj.weight", rows, config.hidden_size));
    weights->q_b = PackWithRope(q, config, head_rows, numerics, panels);
    return absl::OkStatus();
  }
  ASSIGN_OR_RETURN(const WeightView q_a, checkpoint.GetWeight(prefix + "q_a_proj.weight", config.q_lora_rank, config.hidden_size));
  weights->q_a = PackedLinear::Pack(q_a, numerics.compute, numerics.isa, panels);
  ASSIGN_OR_RETURN(weights->q_a_norm, checkpoint.GetVector(prefix + "q_a_layernorm.weight", config.q_lora_rank));
  ASSIGN_OR_RETURN(const WeightView q_b, checkpoint.GetWeight(prefix + "q_b_proj.weight", rows, config.q_lora_rank));
  weights->q_b = PackWithRope(q_b, config, head_rows, numerics, panels);
  return absl::OkStatus();
}

absl::Status LoadKeyValue(Checkpoint& checkpoint, const ModelConfig& config, const std::string& prefix, const Numerics& numerics,
                          PanelSource* panels, AttentionWeights* weights) {
  ASSIGN_OR_RETURN(const WeightView kv_a,
                   checkpoint.GetWeight(prefix + "kv_a_proj_with_mqa.weight", config.kv_width(), config.hidden_size));
  weights->kv_a = PackWithRope(kv_a, config, config.kv_width(), numerics, panels);
  ASSIGN_OR_RETURN(weights->kv_a_norm, checkpoint.GetVector(prefix + "kv_a_layernorm.weight", config.kv_lora_rank));

  const int64_t head_rows = config.qk_nope_head_dim + config.v_head_dim;
  ASSIGN_OR_RETURN(const WeightView kv_b,
                   checkpoint.GetWeight(prefix + "kv_b_proj.weight", config.num_attention_heads * head_rows, config.kv_lora_rank));
  for (int64_t head = 0; head < config.num_attention_heads; ++head) {
    const WeightView uk = SliceRows(kv_b, head * head_rows, config.qk_nope_head_dim);
    const WeightView uv = SliceRows(kv_b, head * head_rows + config.qk_nope_head_dim, config.v_head_dim);
    weights->w_uk.push_back(PackedLinear::PackTransposed(uk, numerics.activations(), numerics.isa, panels));
    weights->w_uv.push_back(PackedLinear::Pack(uv, DType::kF32, numerics.isa, panels));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<AttentionWeights> AttentionWeights::Load(Checkpoint& checkpoint, const ModelConfig& config, const std::string& prefix,
                                                        const Numerics& numerics, PanelSource* panels) {
  AttentionWeights weights;
  RETURN_IF_ERROR(LoadQuery(checkpoint, config, prefix, numerics, panels, &weights));
  RETURN_IF_ERROR(LoadKeyValue(checkpoint, config, prefix, numerics, panels, &weights));
  ASSIGN_OR_RETURN(const WeightView o,
                   checkpoint.GetWeight(prefix + "o_proj.weight", config.hidden_size, config.num_attention_heads * config.v_head_dim));
  weights.o = PackedLinear::Pack(o, numerics.compute, numerics.isa, panels);
  return weights;
}

}  // namespace baleen
