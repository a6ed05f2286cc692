#include "tools/make_checkpoint/shapes.h"

#include <algorithm>
#include <boost/json.hpp>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "tools/make_checkpoint/tensor_plan.h"

namespace baleen {
namespace {

namespace json = boost::json;

ModelConfig Common() {
  ModelConfig config;
  config.architecture = "DeepseekV3ForCausalLM";
  config.qk_nope_head_dim = 128;
  config.qk_rope_head_dim = 64;
  config.v_head_dim = 128;
  config.n_routed_experts = 32;
  config.n_shared_experts = 1;
  config.num_experts_per_tok = 4;
  config.norm_topk_prob = true;
  config.routed_scaling_factor = 2.5;
  config.first_k_dense_replace = 1;
  config.max_position_embeddings = 262144;
  config.eos_token_ids = {1};
  return config;
}

ModelConfig Small() {
  ModelConfig config = Common();
  config.vocab_size = 8192;
  config.hidden_size = 1024;
  config.intermediate_size = 2048;
  config.moe_intermediate_size = 512;
  config.num_hidden_layers = 8;
  config.num_attention_heads = 8;
  config.q_lora_rank = 384;
  config.kv_lora_rank = 256;
  return config;
}

ModelConfig Mid() {
  ModelConfig config = Common();
  config.vocab_size = 16384;
  config.hidden_size = 2048;
  config.intermediate_size = 8192;
  config.moe_intermediate_size = 1024;
  config.num_hidden_layers = 12;
  config.num_attention_heads = 16;
  config.q_lora_rank = 768;
  config.kv_lora_rank = 512;
  return config;
}

ModelConfig V3Slice() {
  ModelConfig config = Common();
  config.vocab_size = 129280;
  config.hidden_size = 7168;
  config.intermediate_size = 18432;
  config.moe_intermediate_size = 2048;
  config.num_hidden_layers = 2;
  config.num_attention_heads = 128;
  config.q_lora_rank = 1536;
  config.kv_lora_rank = 512;
  config.num_experts_per_tok = 8;
  config.n_group = 8;
  config.topk_group = 4;
  config.max_position_embeddings = 163840;
  config.yarn = YarnConfig();
  config.yarn->factor = 40;
  config.yarn->mscale = config.yarn->mscale_all_dim = 1.0;
  return config;
}

json::value RopeScaling(const ModelConfig& config) {
  if (!config.yarn) return nullptr;
  const YarnConfig& yarn = *config.yarn;
  return {{"type", "yarn"},
          {"factor", yarn.factor},
          {"original_max_position_embeddings", static_cast<int64_t>(yarn.original_max_position_embeddings)},
          {"beta_fast", yarn.beta_fast},
          {"beta_slow", yarn.beta_slow},
          {"mscale", yarn.mscale.value_or(1.0)},
          {"mscale_all_dim", yarn.mscale_all_dim.value_or(0.0)}};
}

}  // namespace

absl::StatusOr<ModelConfig> ShapeNamed(const std::string& name, int64_t experts, bool fp8) {
  ModelConfig config;
  if (name == "small") {
    config = Small();
  } else if (name == "mid") {
    config = Mid();
  } else if (name == "v3-slice") {
    config = V3Slice();
  } else {
    return absl::InvalidArgumentError(absl::StrCat("shape '", name, "' is not known; known are small, mid and v3-slice"));
  }
  if (experts > 0) config.n_routed_experts = experts;
  config.fp8 = fp8;
  return ModelConfig::Parse(ConfigJson(config), absl::StrCat("shape ", name));
}

int64_t ExpertsThatFit(int64_t budget_bytes, bool fp8) {
  const auto bytes_with = [&](int64_t experts) {
    ModelConfig config = V3Slice();
    config.n_routed_experts = experts;
    config.fp8 = fp8;
    return TotalBytes(PlanTensors(config));
  };
  const int64_t group_bytes = bytes_with(24) - bytes_with(16);
  const int64_t extra_groups = std::max<int64_t>(0, budget_bytes - bytes_with(16)) / group_bytes;
  return std::min<int64_t>(16 + 8 * extra_groups, 256);
}

std::string ConfigJson(const ModelConfig& config) {
  json::object root = {
      {"architectures", {config.architecture}},
      {"model_type", "deepseek_v3"},
      {"vocab_size", config.vocab_size},
      {"hidden_size", config.hidden_size},
      {"intermediate_size", config.intermediate_size},
      {"moe_intermediate_size", config.moe_intermediate_size},
      {"num_hidden_layers", config.num_hidden_layers},
      {"num_attention_heads", config.num_attention_heads},
      {"num_key_value_heads", config.num_attention_heads},
      {"q_lora_rank", config.q_lora_rank},
      {"kv_lora_rank", config.kv_lora_rank},
      {"qk_nope_head_dim", config.qk_nope_head_dim},
      {"qk_rope_head_dim", config.qk_rope_head_dim},
      {"v_head_dim", config.v_head_dim},
      {"n_routed_experts", config.n_routed_experts},
      {"n_shared_experts", config.n_shared_experts},
      {"num_experts_per_tok", config.num_experts_per_tok},
      {"n_group", config.n_group},
      {"topk_group", config.topk_group},
      {"topk_method", "noaux_tc"},
      {"scoring_func", "sigmoid"},
      {"norm_topk_prob", config.norm_topk_prob},
      {"routed_scaling_factor", config.routed_scaling_factor},
      {"first_k_dense_replace", config.first_k_dense_replace},
      {"moe_layer_freq", 1},
      {"num_nextn_predict_layers", 0},
      {"max_position_embeddings", config.max_position_embeddings},
      {"rope_theta", config.rope_theta},
      {"rope_scaling", RopeScaling(config)},
      {"rms_norm_eps", config.rms_norm_eps},
      {"hidden_act", "silu"},
      {"attention_bias", false},
      {"tie_word_embeddings", false},
      {"bos_token_id", 0},
      {"eos_token_id", 1},
      {"torch_dtype", "bfloat16"},
  };
  if (config.fp8) {
    root["quantization_config"] = {
        {"quant_method", "fp8"}, {"fmt", "e4m3"}, {"activation_scheme", "dynamic"}, {"weight_block_size", json::array{128, 128}}};
  }
  return json::serialize(root) + "\n";
}

}  // namespace baleen
