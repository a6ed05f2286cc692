#include "model/config/model_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>

namespace baleen {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr char kV3[] = R"({
  "architectures": ["DeepseekV3ForCausalLM"], "model_type": "deepseek_v3", "vocab_size": 129280, "hidden_size": 7168,
  "intermediate_size": 18432, "moe_intermediate_size": 2048, "num_hidden_layers": 61, "num_attention_heads": 128,
  "num_key_value_heads": 128, "q_lora_rank": 1536, "kv_lora_rank": 512, "qk_nope_head_dim": 128, "qk_rope_head_dim": 64,
  "v_head_dim": 128, "n_routed_experts": 256, "n_shared_experts": 1, "num_experts_per_tok": 8, "n_group": 8, "topk_group": 4,
  "topk_method": "noaux_tc", "scoring_func": "sigmoid", "norm_topk_prob": true, "routed_scaling_factor": 2.5,
  "first_k_dense_replace": 3, "moe_layer_freq": 1, "num_nextn_predict_layers": 1, "max_position_embeddings": 163840,
  "rope_theta": 10000, "rope_scaling": {"type": "yarn", "factor": 40, "original_max_position_embeddings": 4096, "beta_fast": 32,
  "beta_slow": 1, "mscale": 1.0, "mscale_all_dim": 1.0}, "rms_norm_eps": 1e-06, "hidden_act": "silu", "attention_bias": false,
  "tie_word_embeddings": false, "bos_token_id": 0, "eos_token_id": 1, "quantization_config": {"quant_method": "fp8", "fmt": "e4m3",
  "activation_scheme": "dynamic", "weight_block_size": [128, 128]}})";

constexpr char kV2Lite[] = R"({
  "architectures": ["DeepseekV2ForCausalLM"], "model_type": "deepseek_v2", "vocab_size": 102400, "hidden_size": 2048,
  "intermediate_size": 10944, "moe_intermediate_size": 1408, "num_hidden_layers": 27, "num_attention_heads": 16,
  "num_key_value_heads": 16, "q_lora_rank": null, "kv_lora_rank": 512, "qk_nope_head_dim": 128, "qk_rope_head_dim": 64,
  "v_head_dim": 128, "n_routed_experts": 64, "n_shared_experts": 2, "num_experts_per_tok": 6, "n_group": 1, "topk_group": 1,
  "topk_method": "greedy", "scoring_func": "softmax", "norm_topk_prob": false, "routed_scaling_factor": 1.0,
  "first_k_dense_replace": 1, "moe_layer_freq": 1, "max_position_embeddings": 163840, "rope_theta": 10000,
  "rope_scaling": {"type": "yarn", "factor": 40, "original_max_position_embeddings": 4096, "beta_fast": 32, "beta_slow": 1,
  "mscale": 0.707, "mscale_all_dim": 0.707}, "rms_norm_eps": 1e-06, "bos_token_id": 100000, "eos_token_id": 100001})";

// `json` with its first `from` replaced.
std::string With(std::string json, const std::string& from, const std::string& to) {
  const size_t at = json.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return at == std::string::npos ? json : json.replace(at, from.size(), to);
}

std::string Moonlight() {
  std::string json = With(kV3, R"("q_lora_rank": 1536)", R"("q_lora_rank": null)");
  json = With(json, R"("rope_theta": 10000)", R"("rope_theta": 50000.0)");
  json = With(json, R"("rope_scaling": {)", R"("rope_scaling": null, "ignored": {)");
  json = With(json, R"("n_group": 8, "topk_group": 4)", R"("n_group": 1, "topk_group": 1)");
  json = With(json, R"("n_routed_experts": 256)", R"("n_routed_experts": 64)");
  json = With(json, R"("first_k_dense_replace": 3)", R"("first_k_dense_replace": 1)");
  json = With(json, R"("num_nextn_predict_layers": 1)", R"("num_nextn_predict_layers": 0)");
  json = With(json, "1e-06", "1e-05");
  return With(json, R"("quantization_config": {)", R"("quantization_config": null, "ignored2": {)");
}

std::string KimiK2() {
  std::string json = With(kV3, "deepseek_v3", "kimi_k2");
  json = With(json, R"("rope_theta": 10000)", R"("rope_theta": 50000.0)");
  json = With(json, R"("factor": 40)", R"("factor": 32.0)");
  json = With(json, R"("beta_fast": 32)", R"("beta_fast": 1.0)");
  json = With(json, R"("first_k_dense_replace": 3)", R"("first_k_dense_replace": 1)");
  return With(json, R"("n_group": 8, "topk_group": 4)", R"("n_group": 1, "topk_group": 1)");
}

ModelConfig MustParse(const std::string& json) {
  absl::StatusOr<ModelConfig> config = ModelConfig::Parse(json, "config.json");
  EXPECT_TRUE(config.ok()) << config.status();
  return config.ok() ? *config : ModelConfig();
}

std::string ErrorOf(const std::string& json) {
  const absl::Status status = ModelConfig::Parse(json, "dir/config.json").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("dir/config.json: "));
  return std::string(status.message());
}

TEST(ModelConfig, ReadsV3) {
  const ModelConfig config = MustParse(kV3);
  EXPECT_EQ(config.architecture, "DeepseekV3ForCausalLM");
  EXPECT_EQ(config.q_lora_rank, 1536);
  EXPECT_EQ(config.kv_width(), 576);
  EXPECT_EQ(config.topk_method, TopkMethod::kNoauxTc);
  EXPECT_EQ(config.scoring_func, ScoringFunc::kSigmoid);
  EXPECT_TRUE(config.norm_topk_prob);
  EXPECT_TRUE(config.rope_interleave);
  EXPECT_TRUE(config.fp8);
  EXPECT_EQ(config.num_nextn_predict_layers, 1);
  EXPECT_THAT(config.eos_token_ids, ElementsAre(1));
}

TEST(ModelConfig, KnowsDenseAndMoeLayers) {
  const ModelConfig v3 = MustParse(kV3);
  for (const int layer : {0, 1, 2}) EXPECT_FALSE(v3.IsMoe(layer)) << layer;
  for (const int layer : {3, 60, 61}) EXPECT_TRUE(v3.IsMoe(layer)) << layer;
  for (const std::string& json : {std::string(kV2Lite), KimiK2(), Moonlight()}) {
    const ModelConfig config = MustParse(json);
    EXPECT_FALSE(config.IsMoe(0));
    EXPECT_TRUE(config.IsMoe(1));
  }
  const ModelConfig dense = MustParse(With(kV3, R"("n_routed_experts": 256)", R"("n_routed_experts": null)"));
  EXPECT_FALSE(dense.IsMoe(60));
}

TEST(ModelConfig, SoftmaxScales) {
  EXPECT_NEAR(MustParse(kV3).SoftmaxScale(), 0.1352337788608801, 1e-15);
  EXPECT_NEAR(MustParse(kV2Lite).SoftmaxScale(), 0.11472138679292611, 1e-15);
  EXPECT_NEAR(MustParse(Moonlight()).SoftmaxScale(), 0.07216878364870322, 1e-15);
  EXPECT_NEAR(MustParse(KimiK2()).SoftmaxScale(), 0.1308607999, 1e-10);
  EXPECT_NEAR(MustParse(With(KimiK2(), "32.0", "64.0")).SoftmaxScale(), 0.1446796258, 1e-10);
  for (const std::string& json : {std::string(kV3), std::string(kV2Lite), KimiK2(), Moonlight()}) {
    EXPECT_EQ(MustParse(json).RopeMagnitude(), 1.0);
  }
}

TEST(ModelConfig, YarnFrequenciesOfV3) {
  const std::vector<float> f = MustParse(kV3).RopeFrequencies();
  ASSERT_EQ(f.size(), 32u);
  EXPECT_EQ(f[0], 1.0f);
  EXPECT_FLOAT_EQ(f[10], 0.0562341325f);
  EXPECT_FLOAT_EQ(f[11], 0.03900692656714386f);
  EXPECT_FLOAT_EQ(f[12], 0.0268793601f);
  EXPECT_FLOAT_EQ(f[16], 0.0055f);
  EXPECT_FLOAT_EQ(f[22], 1.778279e-4f);
  EXPECT_FLOAT_EQ(f[23], 3.333803580e-5f);
  EXPECT_FLOAT_EQ(f[31], 3.3338035804e-06f);
}

TEST(ModelConfig, YarnFrequenciesOfKimiK2AreAStep) {
  const std::vector<float> f = MustParse(KimiK2()).RopeFrequencies();
  EXPECT_FLOAT_EQ(f[19], 0.00162175990811f);
  EXPECT_FLOAT_EQ(f[20], 3.61404677e-05f);
}

TEST(ModelConfig, PlainFrequencies) {
  const std::vector<float> f = MustParse(With(kV3, R"("type": "yarn")", R"("type": "default")")).RopeFrequencies();
  EXPECT_FLOAT_EQ(f[11], 0.0421696503f);
  EXPECT_FLOAT_EQ(f[31], 1.333521432e-4f);
}

TEST(ModelConfig, RopeParametersAreRopeScalingWithThetaInside) {
  const std::string json = With(With(KimiK2(), R"("rope_theta": 50000.0, )", ""), R"("rope_scaling": {"type")",
                                R"("rope_parameters": {"rope_theta": 50000.0, "rope_type")");
  EXPECT_EQ(MustParse(json).RopeFrequencies(), MustParse(KimiK2()).RopeFrequencies());
  EXPECT_EQ(MustParse(json).SoftmaxScale(), MustParse(KimiK2()).SoftmaxScale());
}

TEST(ModelConfig, MagnitudeWhenMscalesDiffer) {
  const double m = 0.1 * std::log(40.0);
  EXPECT_NEAR(MustParse(With(kV3, R"("mscale": 1.0)", R"("mscale": 0.5)")).RopeMagnitude(), (0.5 * m + 1) / (m + 1), 1e-12);
  const ModelConfig without = MustParse(With(kV3, R"("mscale": 1.0, "mscale_all_dim": 1.0)", R"("truncate": true)"));
  EXPECT_NEAR(without.RopeMagnitude(), m + 1, 1e-12);
  EXPECT_NEAR(without.SoftmaxScale(), std::pow(192, -0.5), 1e-12);
}

TEST(ModelConfig, DefaultsFollowTheArchitecture) {
  const ModelConfig v3 = MustParse(With(kV3, R"("topk_method": "noaux_tc", "scoring_func": "sigmoid", "norm_topk_prob": true, )", ""));
  EXPECT_EQ(v3.topk_method, TopkMethod::kNoauxTc);
  EXPECT_EQ(v3.scoring_func, ScoringFunc::kSigmoid);
  EXPECT_TRUE(v3.norm_topk_prob);
  const ModelConfig v2 = MustParse(With(kV2Lite, R"("topk_method": "greedy", "scoring_func": "softmax", "norm_topk_prob": false, )", ""));
  EXPECT_EQ(v2.topk_method, TopkMethod::kGreedy);
  EXPECT_EQ(v2.scoring_func, ScoringFunc::kSoftmax);
  EXPECT_FALSE(v2.norm_topk_prob);
  EXPECT_EQ(v2.q_lora_rank, 0);
  EXPECT_EQ(MustParse(With(kV3, R"("architectures": ["DeepseekV3ForCausalLM"], )", "")).architecture, "DeepseekV3ForCausalLM");
}

TEST(ModelConfig, OnlyV3Normalises) {
  EXPECT_FALSE(MustParse(With(kV3, R"("norm_topk_prob": true)", R"("norm_topk_prob": false)")).norm_topk_prob);
  EXPECT_FALSE(MustParse(With(kV2Lite, R"("norm_topk_prob": false)", R"("norm_topk_prob": true)")).norm_topk_prob);
}

TEST(ModelConfig, LatentNormsIgnoreRmsNormEps) {
  const ModelConfig config = MustParse(Moonlight());
  EXPECT_EQ(config.rms_norm_eps, 1e-5);
  EXPECT_EQ(config.latent_norm_eps(), 1e-6);
}

TEST(ModelConfig, ErrorsNameTheField) {
  const std::pair<const char*, const char*> changes[] = {
      {R"("architectures": ["DeepseekV3ForCausalLM"])", R"("architectures": ["LlamaForCausalLM"])"},
      {R"("architectures": ["DeepseekV3ForCausalLM"])", R"("architectures": "DeepseekV3ForCausalLM")"},
      {R"("model_type": "deepseek_v3")", R"("model_type": "deepseek_v2")"},
      {R"("model_type": "deepseek_v3")", R"("model_type": "llama")"},
      {R"("vocab_size": 129280)", R"("vocab_size": "129280")"},
      {R"("hidden_size": 7168)", R"("hidden_size": 1000000000000)"},
      {R"("hidden_size": 7168)", R"("hidden_size": -1)"},
      {R"("hidden_size": 7168)", R"("hidden_size": 71.5)"},
      {R"("kv_lora_rank": 512, )", R"("kv_lora_rank": null, )"},
      {R"("num_key_value_heads": 128)", R"("num_key_value_heads": 8)"},
      {R"("qk_rope_head_dim": 64)", R"("qk_rope_head_dim": 63)"},
      {R"("n_group": 8)", R"("n_group": 7)"},
      {R"("n_group": 8)", R"("n_group": 256)"},
      {R"("topk_group": 4)", R"("topk_group": 9)"},
      {R"("num_experts_per_tok": 8)", R"("num_experts_per_tok": 129)"},
      {R"("topk_method": "noaux_tc")", R"("topk_method": "greedy")"},
      {R"("scoring_func": "sigmoid")", R"("scoring_func": "softmax")"},
      {R"("hidden_act": "silu")", R"("hidden_act": "gelu")"},
      {R"("attention_bias": false)", R"("attention_bias": true)"},
      {R"("weight_block_size": [128, 128])", R"("weight_block_size": [64, 128])"},
      {R"("quant_method": "fp8")", R"("quant_method": "awq")"},
      {R"("type": "yarn")", R"("type": "linear")"},
      {R"("factor": 40)", R"("factor": "40")"},
      {R"("rope_theta": 10000)", R"("rope_theta": 0)"},
      {R"("eos_token_id": 1)", R"("eos_token_id": 129280)"},
  };
  for (const auto& [from, to] : changes) {
    std::string field = std::string(to).substr(1);
    field = field.substr(0, field.find('"'));
    if (field == "type") field = "rope_type";
    EXPECT_THAT(ErrorOf(With(kV3, from, to)), HasSubstr(field)) << to;
  }
}

TEST(ModelConfig, LoadMergesGenerationConfig) {
  const std::filesystem::path directory = std::filesystem::path(testing::TempDir()) / "merge";
  std::filesystem::create_directories(directory);
  std::ofstream(directory / "config.json") << kV3;
  EXPECT_THAT(ModelConfig::Load(directory).value().eos_token_ids, ElementsAre(1));
  std::ofstream(directory / "generation_config.json") << R"({"eos_token_id": [1, 128805]})";
  EXPECT_THAT(ModelConfig::Load(directory).value().eos_token_ids, ElementsAre(1, 128805));
  std::ofstream(directory / "generation_config.json") << R"({"eos_token_id": "x"})";
  EXPECT_THAT(std::string(ModelConfig::Load(directory).status().message()), HasSubstr("generation_config.json: eos_token_id"));
  EXPECT_EQ(ModelConfig::Load(directory.string() + "/absent").status().code(), absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace baleen
