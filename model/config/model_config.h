// config.json of DeepseekV3ForCausalLM and DeepseekV2ForCausalLM (model spec section 1).
#ifndef BALEEN_MODEL_CONFIG_MODEL_CONFIG_H_
#define BALEEN_MODEL_CONFIG_MODEL_CONFIG_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace baleen {

enum class TopkMethod { kGreedy, kGroupLimitedGreedy, kNoauxTc };
enum class ScoringFunc { kSoftmax, kSigmoid };

struct YarnConfig {
  double factor = 1;
  double original_max_position_embeddings = 4096;
  double beta_fast = 32;
  double beta_slow = 1;
  std::optional<double> mscale;
  std::optional<double> mscale_all_dim;
  std::optional<double> attention_factor;  // Overrides the magnitude that the mscales give.
  bool truncate = true;                    // Round the ramp's ends to whole pairs.
};

struct ModelConfig {
  std::string architecture;  // "DeepseekV3ForCausalLM" or "DeepseekV2ForCausalLM"
  int64_t vocab_size = 0;
  int64_t hidden_size = 0;
  int64_t intermediate_size = 0;
  int64_t moe_intermediate_size = 0;
  int64_t num_hidden_layers = 0;
  int64_t num_attention_heads = 0;
  int64_t q_lora_rank = 0;  // 0 = a single q_proj.
  int64_t kv_lora_rank = 0;
  int64_t qk_nope_head_dim = 0;
  int64_t qk_rope_head_dim = 0;
  int64_t v_head_dim = 0;
  int64_t n_routed_experts = 0;  // 0 = dense model.
  int64_t n_shared_experts = 0;
  int64_t num_experts_per_tok = 0;
  int64_t n_group = 1;
  int64_t topk_group = 1;
  TopkMethod topk_method = TopkMethod::kNoauxTc;
  ScoringFunc scoring_func = ScoringFunc::kSigmoid;
  bool norm_topk_prob = false;
  double routed_scaling_factor = 1;
  int64_t first_k_dense_replace = 0;
  int64_t moe_layer_freq = 1;
  int64_t num_nextn_predict_layers = 0;
  int64_t max_position_embeddings = 0;
  double rope_theta = 10000;
  bool rope_interleave = true;
  std::optional<YarnConfig> yarn;
  double rms_norm_eps = 1e-6;
  bool tie_word_embeddings = false;
  int64_t bos_token_id = 0;
  std::vector<int64_t> eos_token_ids;  // From config.json and generation_config.json.
  bool fp8 = false;                    // quantization_config: 128x128 blocks of e4m3.

  // Parses a Hugging Face directory's config.json (and generation_config.json when there). Errors name the file and the field.
  static absl::StatusOr<ModelConfig> Load(const std::string& directory);
  // As Load, from text; `origin` names it in errors.
  static absl::StatusOr<ModelConfig> Parse(const std::string& json, const std::string& origin);

  bool IsMoe(int64_t layer) const;
  // Of the main model's layers; 0 = a dense model.
  int moe_layers() const;
  int64_t kv_width() const { return kv_lora_rank + qk_rope_head_dim; }
  // Latent norms take 1e-6 whatever rms_norm_eps says (model spec section 3).
  double latent_norm_eps() const { return 1e-6; }
  // qk_head_dim^-0.5 * mscale^2 (model spec section 4).
  double SoftmaxScale() const;
  // Frequencies of the qk_rope_head_dim / 2 pairs, YaRN applied.
  std::vector<float> RopeFrequencies() const;
  // What cos and sin are multiplied with.
  double RopeMagnitude() const;
};

}  // namespace baleen

#endif  // BALEEN_MODEL_CONFIG_MODEL_CONFIG_H_
