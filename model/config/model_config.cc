#include "model/config/model_config.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "model/config/json_fields.h"

namespace baleen {
namespace {

// Bounds far above any published model, low enough that a product of three sizes fits an int64.
constexpr int64_t kMaxWidth = int64_t{1} << 18;
constexpr int64_t kMaxVocab = int64_t{1} << 22;
constexpr int64_t kMaxLayers = 1024;
constexpr int64_t kMaxHeads = 4096;
constexpr int64_t kMaxHeadDim = 4096;
constexpr int64_t kMaxExperts = 16384;
constexpr int64_t kMaxPositions = int64_t{1} << 24;
constexpr int64_t kMaxFileBytes = int64_t{1} << 20;

constexpr char kV3[] = "DeepseekV3ForCausalLM";
constexpr char kV2[] = "DeepseekV2ForCausalLM";

void ReadArchitecture(JsonFields& fields, ModelConfig* config) {
  std::vector<std::string> architectures;
  std::string model_type;
  fields.Strings("architectures", &architectures);
  fields.String("model_type", &model_type);
  const std::string by_type = model_type == "deepseek_v3" || model_type == "kimi_k2" ? kV3 : model_type == "deepseek_v2" ? kV2 : "";
  if (!model_type.empty() && by_type.empty()) {
    fields.Fail("model_type", absl::StrCat("'", model_type, "' is not known; known are deepseek_v3, kimi_k2 and deepseek_v2"));
    return;
  }
  config->architecture = architectures.empty() ? by_type : architectures.front();
  if (config->architecture != kV3 && config->architecture != kV2) {
    fields.Fail("architectures", config->architecture.empty()
                                     ? "is missing"
                                     : absl::StrCat("'", config->architecture, "' is not known; known are ", kV3, " and ", kV2));
  } else if (!by_type.empty() && by_type != config->architecture) {
    fields.Fail("model_type", absl::StrCat("'", model_type, "' contradicts architecture ", config->architecture));
  }
}

void ReadSizes(JsonFields& fields, ModelConfig* config) {
  fields.RequiredInt("vocab_size", 1, kMaxVocab, &config->vocab_size);
  fields.RequiredInt("hidden_size", 1, kMaxWidth, &config->hidden_size);
  fields.RequiredInt("num_hidden_layers", 1, kMaxLayers, &config->num_hidden_layers);
  fields.RequiredInt("num_attention_heads", 1, kMaxHeads, &config->num_attention_heads);
  fields.Int("q_lora_rank", 0, kMaxWidth, &config->q_lora_rank);
  fields.RequiredInt("kv_lora_rank", 1, kMaxWidth, &config->kv_lora_rank);
  fields.RequiredInt("qk_nope_head_dim", 1, kMaxHeadDim, &config->qk_nope_head_dim);
  fields.RequiredInt("qk_rope_head_dim", 2, kMaxHeadDim, &config->qk_rope_head_dim);
  fields.RequiredInt("v_head_dim", 1, kMaxHeadDim, &config->v_head_dim);
  fields.RequiredInt("max_position_embeddings", 1, kMaxPositions, &config->max_position_embeddings);
  fields.Number("rms_norm_eps", 0, 1, &config->rms_norm_eps);
  fields.Bool("tie_word_embeddings", &config->tie_word_embeddings);
  if (!fields.Int("num_nextn_predict_layers", 0, kMaxLayers, &config->num_nextn_predict_layers)) {
    fields.Int("num_mtp_layers", 0, kMaxLayers, &config->num_nextn_predict_layers);
  }
  if (config->qk_rope_head_dim % 2 != 0) fields.Fail("qk_rope_head_dim", "must be even");

  int64_t key_value_heads = config->num_attention_heads;
  fields.Int("num_key_value_heads", 1, kMaxHeads, &key_value_heads);
  if (key_value_heads != config->num_attention_heads) fields.Fail("num_key_value_heads", "must equal num_attention_heads");
}

// What the implementation has one form of; another value would silently be a different model.
void CheckFixedChoices(JsonFields& fields) {
  std::string activation = "silu";
  fields.String("hidden_act", &activation);
  if (activation != "silu") fields.Fail("hidden_act", absl::StrCat("'", activation, "' is not supported, only silu"));
  for (const char* name : {"attention_bias", "mlp_bias"}) {
    bool bias = false;
    fields.Bool(name, &bias);
    if (bias) fields.Fail(name, "true is not supported");
  }
}

void ReadGate(JsonFields& fields, ModelConfig* config) {
  const bool v3 = config->architecture == kV3;
  config->routed_scaling_factor = v3 ? 2.5 : 1.0;
  // Hugging Face's V2 gate never normalises, whatever the file says.
  bool normalize = v3;
  fields.Bool("norm_topk_prob", &normalize);
  config->norm_topk_prob = v3 && normalize;
  fields.Number("routed_scaling_factor", 0, 1e6, &config->routed_scaling_factor);

  std::string scoring = v3 ? "sigmoid" : "softmax";
  fields.String("scoring_func", &scoring);
  if (scoring != (v3 ? "sigmoid" : "softmax")) {
    fields.Fail("scoring_func", absl::StrCat("'", scoring, "' is not supported for ", config->architecture));
  }
  config->scoring_func = v3 ? ScoringFunc::kSigmoid : ScoringFunc::kSoftmax;

  std::string method = v3 ? "noaux_tc" : "greedy";
  fields.String("topk_method", &method);
  if (v3 ? method != "noaux_tc" : (method != "greedy" && method != "group_limited_greedy")) {
    fields.Fail("topk_method", absl::StrCat("'", method, "' is not supported for ", config->architecture));
  }
  config->topk_method = method == "noaux_tc"               ? TopkMethod::kNoauxTc
                        : method == "group_limited_greedy" ? TopkMethod::kGroupLimitedGreedy
                                                           : TopkMethod::kGreedy;
}

void ReadGroups(JsonFields& fields, ModelConfig* config) {
  if (config->topk_method == TopkMethod::kGreedy) {
    config->n_group = config->topk_group = 1;  // Greedy ignores whatever groups the file names.
  } else {
    fields.RequiredInt("n_group", 1, config->n_routed_experts, &config->n_group);
    fields.RequiredInt("topk_group", 1, config->n_group, &config->topk_group);
  }
  if (!fields.status().ok()) return;
  const int64_t group_size = config->n_routed_experts / config->n_group;
  if (config->n_routed_experts % config->n_group != 0) {
    fields.Fail("n_group", absl::StrCat(config->n_group, " does not divide n_routed_experts ", config->n_routed_experts));
  } else if (config->topk_method == TopkMethod::kNoauxTc && group_size < 2) {
    fields.Fail("n_group", "leaves fewer than two experts in a group");
  } else if (config->num_experts_per_tok > config->topk_group * group_size) {
    fields.Fail("num_experts_per_tok", "is more than the experts in topk_group groups");
  }
}

void ReadFeedForward(JsonFields& fields, ModelConfig* config) {
  fields.Int("n_routed_experts", 0, kMaxExperts, &config->n_routed_experts);
  config->first_k_dense_replace = config->architecture == kV3 ? 3 : 0;
  fields.Int("first_k_dense_replace", 0, kMaxLayers, &config->first_k_dense_replace);
  fields.Int("moe_layer_freq", 1, kMaxLayers, &config->moe_layer_freq);
  fields.RequiredInt("intermediate_size", 1, kMaxWidth, &config->intermediate_size);
  if (config->n_routed_experts == 0) return;
  fields.RequiredInt("moe_intermediate_size", 1, kMaxWidth, &config->moe_intermediate_size);
  fields.RequiredInt("num_experts_per_tok", 1, config->n_routed_experts, &config->num_experts_per_tok);
  fields.Int("n_shared_experts", 0, 256, &config->n_shared_experts);
  ReadGate(fields, config);
  if (fields.status().ok()) ReadGroups(fields, config);
}

void ReadYarn(JsonFields& fields, ModelConfig* config) {
  YarnConfig yarn;
  if (!fields.Has("factor")) fields.Fail("factor", "is missing");
  fields.Number("factor", 1, 1e6, &yarn.factor);
  yarn.original_max_position_embeddings = static_cast<double>(config->max_position_embeddings);
  fields.Number("original_max_position_embeddings", 1, static_cast<double>(kMaxPositions), &yarn.original_max_position_embeddings);
  fields.Number("beta_fast", 1e-6, 1e6, &yarn.beta_fast);
  fields.Number("beta_slow", 1e-6, 1e6, &yarn.beta_slow);
  double value = 0;
  if (fields.Number("mscale", 0, 1e3, &value)) yarn.mscale = value;
  if (fields.Number("mscale_all_dim", 0, 1e3, &value)) yarn.mscale_all_dim = value;
  if (fields.Number("attention_factor", 0, 1e3, &value)) yarn.attention_factor = value;
  fields.Bool("truncate", &yarn.truncate);
  config->yarn = yarn;
}

void ReadRope(JsonFields& fields, ModelConfig* config) {
  // HF's V2 rotates interleaved pairs whatever the file says.
  if (config->architecture == kV3) fields.Bool("rope_interleave", &config->rope_interleave);
  fields.Number("rope_theta", 1.0001, 1e12, &config->rope_theta);
  for (const char* name : {"rope_scaling", "rope_parameters"}) {
    std::optional<JsonFields> rope = fields.Object(name);
    if (!rope) continue;
    rope->Number("rope_theta", 1.0001, 1e12, &config->rope_theta);
    std::string type = "default";
    if (!rope->String("rope_type", &type)) rope->String("type", &type);
    if (type == "yarn") {
      ReadYarn(*rope, config);
    } else if (type != "default") {
      rope->Fail("rope_type", absl::StrCat("'", type, "' is not supported, only default and yarn"));
    }
  }
}

void ReadQuantization(JsonFields& fields, ModelConfig* config) {
  std::optional<JsonFields> quantization = fields.Object("quantization_config");
  if (!quantization) return;
  std::string method, format = "e4m3";
  std::vector<int64_t> block = {128, 128};
  quantization->String("quant_method", &method);
  quantization->String("fmt", &format);
  quantization->Ints("weight_block_size", 1, 1 << 20, &block);
  if (method != "fp8") quantization->Fail("quant_method", absl::StrCat("'", method, "' is not supported, only fp8"));
  if (format != "e4m3") quantization->Fail("fmt", absl::StrCat("'", format, "' is not supported, only e4m3"));
  if (block != std::vector<int64_t>{128, 128}) quantization->Fail("weight_block_size", "must be [128, 128]");
  config->fp8 = true;
}

void ReadSpecialTokens(JsonFields& fields, ModelConfig* config) {
  fields.Int("bos_token_id", 0, config->vocab_size - 1, &config->bos_token_id);
  std::vector<int64_t> ids;
  fields.Ints("eos_token_id", 0, config->vocab_size - 1, &ids);
  for (const int64_t id : ids) {
    if (std::find(config->eos_token_ids.begin(), config->eos_token_ids.end(), id) == config->eos_token_ids.end()) {
      config->eos_token_ids.push_back(id);
    }
  }
}

absl::StatusOr<ModelConfig> FromFields(JsonFields& fields) {
  ModelConfig config;
  ReadArchitecture(fields, &config);
  ReadSizes(fields, &config);
  CheckFixedChoices(fields);
  ReadFeedForward(fields, &config);
  ReadRope(fields, &config);
  ReadQuantization(fields, &config);
  ReadSpecialTokens(fields, &config);
  RETURN_IF_ERROR(fields.status());
  return config;
}

// YaRN's magnitude m(s, k) (model spec section 4).
double YarnMagnitude(double factor, double k) { return factor <= 1 ? 1.0 : 0.1 * k * std::log(factor) + 1.0; }

// How much of each pair's frequency YaRN interpolates: 0 = none, 1 = all.
std::vector<double> YarnRamp(const YarnConfig& yarn, double dim, double theta) {
  const auto correction = [&](double rotations) {
    return dim * std::log(yarn.original_max_position_embeddings / (rotations * 2 * M_PI)) / (2 * std::log(theta));
  };
  double low = correction(yarn.beta_fast);
  double high = correction(yarn.beta_slow);
  if (yarn.truncate) {
    low = std::floor(low);
    high = std::ceil(high);
  }
  low = std::max(low, 0.0);
  high = std::min(high, dim - 1);
  if (low == high) high += 0.001;
  std::vector<double> ramp(static_cast<size_t>(dim) / 2);
  for (size_t i = 0; i < ramp.size(); ++i) ramp[i] = std::clamp((static_cast<double>(i) - low) / (high - low), 0.0, 1.0);
  return ramp;
}

}  // namespace

absl::StatusOr<ModelConfig> ModelConfig::Parse(const std::string& json, const std::string& origin) {
  ASSIGN_OR_RETURN(JsonFields fields, JsonFields::Parse(json, origin));
  return FromFields(fields);
}

absl::StatusOr<ModelConfig> ModelConfig::Load(const std::string& directory) {
  ASSIGN_OR_RETURN(JsonFields fields, JsonFields::Load(absl::StrCat(directory, "/config.json"), kMaxFileBytes));
  ASSIGN_OR_RETURN(ModelConfig config, FromFields(fields));
  absl::StatusOr<JsonFields> generation = JsonFields::Load(absl::StrCat(directory, "/generation_config.json"), kMaxFileBytes);
  if (absl::IsNotFound(generation.status())) return config;
  RETURN_IF_ERROR(generation.status());
  ReadSpecialTokens(*generation, &config);
  RETURN_IF_ERROR(generation->status());
  return config;
}

bool ModelConfig::IsMoe(int64_t layer) const {
  return n_routed_experts > 0 && layer >= first_k_dense_replace && layer % moe_layer_freq == 0;
}

int ModelConfig::moe_layers() const {
  int layers = 0;
  for (int64_t layer = 0; layer < num_hidden_layers; ++layer) layers += IsMoe(layer) ? 1 : 0;
  return layers;
}

double ModelConfig::SoftmaxScale() const {
  const double scale = 1.0 / std::sqrt(static_cast<double>(qk_nope_head_dim + qk_rope_head_dim));
  if (!yarn || yarn->mscale_all_dim.value_or(0) == 0) return scale;
  const double magnitude = YarnMagnitude(yarn->factor, *yarn->mscale_all_dim);
  return scale * magnitude * magnitude;
}

double ModelConfig::RopeMagnitude() const {
  if (!yarn) return 1.0;
  if (yarn->attention_factor) return *yarn->attention_factor;
  const double mscale = yarn->mscale.value_or(0), mscale_all_dim = yarn->mscale_all_dim.value_or(0);
  if (mscale == 0 || mscale_all_dim == 0) return YarnMagnitude(yarn->factor, 1);
  return YarnMagnitude(yarn->factor, mscale) / YarnMagnitude(yarn->factor, mscale_all_dim);
}

std::vector<float> ModelConfig::RopeFrequencies() const {
  const double dim = static_cast<double>(qk_rope_head_dim);
  std::vector<double> ramp(static_cast<size_t>(qk_rope_head_dim / 2), 0.0);
  if (yarn) ramp = YarnRamp(*yarn, dim, rope_theta);
  const double factor = yarn ? yarn->factor : 1.0;
  std::vector<float> frequencies(ramp.size());
  for (size_t i = 0; i < ramp.size(); ++i) {
    const double plain = std::pow(rope_theta, -2.0 * static_cast<double>(i) / dim);
    frequencies[i] = static_cast<float>(plain * ((1 - ramp[i]) + ramp[i] / factor));
  }
  return frequencies;
}

}  // namespace baleen
