#include "services/attention/engine/batch_scratch.h"

#include <algorithm>

namespace baleen {

BatchScratch::BatchScratch(const ModelConfig& config, int64_t max_rows, DType wire_type, bool mtp)
    : mlp_inner(std::max(config.intermediate_size, config.n_shared_experts * config.moe_intermediate_size)) {
  const auto floats = [max_rows](int64_t width) { return std::make_unique_for_overwrite<float[]>(max_rows * width); };
  const auto bytes = [max_rows, wire_type](int64_t width) {
    return std::make_unique_for_overwrite<std::byte[]>(max_rows * width * static_cast<int64_t>(SizeOf(wire_type)));
  };
  const int64_t heads = config.num_attention_heads;
  const int64_t top_k = config.n_routed_experts > 0 ? config.num_experts_per_tok : 0;
  residual = floats(config.hidden_size);
  normed = floats(config.hidden_size);
  delta = floats(config.hidden_size);
  wire = bytes(config.hidden_size);
  q_latent = floats(config.q_lora_rank);
  q = floats(heads * (config.qk_nope_head_dim + config.qk_rope_head_dim));
  kv = floats(config.kv_width());
  query = floats(heads * config.kv_width());
  context = floats(heads * config.kv_lora_rank);
  heads_out = floats(heads * config.v_head_dim);
  mlp_gate = floats(mlp_inner);
  mlp_up = floats(mlp_inner);
  gate_logits = floats(config.n_routed_experts);
  expert_ids = std::make_unique_for_overwrite<int32_t[]>(max_rows * top_k);
  expert_weights = floats(top_k);
  expert_room = bytes(top_k * config.hidden_size);
  expert_outputs = std::make_unique_for_overwrite<const std::byte*[]>(max_rows * top_k);
  mtp_input = floats(mtp ? 2 * config.hidden_size : 0);
}

}  // namespace baleen
