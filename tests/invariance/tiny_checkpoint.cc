#include "tests/invariance/tiny_checkpoint.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tools/logits/safetensors_stream.h"

namespace baleen {
namespace {

constexpr int64_t kHeads = 4, kQLora = 48, kInner = 96, kMoeInner = 40;
constexpr int64_t kLayers = 3, kExperts = 8;

// Deterministic on every machine, unlike the distributions of the standard library.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15u + 1) {}
  uint32_t Bits() {
    state_ = state_ * 6364136223846793005u + 1442695040888963407u;
    return static_cast<uint32_t>(state_ >> 33);
  }
  float Uniform() { return static_cast<float>(Bits()) * 0x1p-30f - 1.0f; }  // [-1, 1)

 private:
  uint64_t state_;
};

class Writer {
 public:
  explicit Writer(const TinyOptions& options) : options_(options), random_(options.seed) {}

  void Vector(const std::string& name, int64_t size, float centre, float spread) {
    std::vector<float> values(size);
    for (float& value : values) value = centre + spread * random_.Uniform();
    Add(name, DType::kF32, {size}, values.data(), size * sizeof(float));
  }

  void Matrix(const std::string& name, int64_t rows, int64_t cols, DType dtype) {
    const float spread = 1.7f / std::sqrt(static_cast<float>(cols));
    std::vector<float> values(rows * cols);
    for (float& value : values) value = spread * random_.Uniform();
    AddMatrix(name, rows, cols, dtype, values);
  }

  // A projection whose groups of `group` output rows end in rope channels.
  void RopeMatrix(const std::string& name, int64_t rows, int64_t cols, int64_t group) {
    std::vector<float> values(rows * cols);
    for (float& value : values) value = random_.Uniform() / std::sqrt(static_cast<float>(cols));
    if (!options_.rope_interleave) values = HalfSplit(values, rows, cols, group);
    AddMatrix(name, rows, cols, options_.dtype, values);
  }

  absl::Status Write(const std::string& path) {
    absl::StatusOr<std::unique_ptr<SafetensorsStream>> stream = SafetensorsStream::Create(path, specs_);
    if (!stream.ok()) return stream.status();
    (*stream)->Append(bytes_.data(), static_cast<int64_t>(bytes_.size()));
    return (*stream)->Close();
  }

 private:
  std::vector<float> HalfSplit(const std::vector<float>& values, int64_t rows, int64_t cols, int64_t group) const {
    std::vector<float> split = values;
    for (int64_t first = group - options_.rope; first < rows; first += group) {
      for (int64_t i = 0; i < options_.rope; ++i) {
        std::copy_n(&values[(first + i) * cols], cols, &split[(first + i / 2 + (i % 2) * (options_.rope / 2)) * cols]);
      }
    }
    return split;
  }

  void AddMatrix(const std::string& name, int64_t rows, int64_t cols, DType dtype, const std::vector<float>& values) {
    if (dtype == DType::kF32) return Add(name, dtype, {rows, cols}, values.data(), values.size() * sizeof(float));
    if (dtype == DType::kBf16) {
      std::vector<Bf16> rounded(values.size());
      std::transform(values.begin(), values.end(), rounded.begin(), F32ToBf16);
      return Add(name, dtype, {rows, cols}, rounded.data(), rounded.size() * sizeof(Bf16));
    }
    std::vector<uint8_t> codes(values.size());
    for (uint8_t& code : codes) code = static_cast<uint8_t>((random_.Bits() & 0x80u) | (random_.Bits() % 0x39u));  // |value| <= 1
    Add(name, dtype, {rows, cols}, codes.data(), codes.size());
    std::vector<float> scales(((rows + 127) / 128) * ((cols + 127) / 128));
    for (float& scale : scales) scale = (2.0f + random_.Uniform()) / std::sqrt(static_cast<float>(cols));
    Add(name + "_scale_inv", DType::kF32, {(rows + 127) / 128, (cols + 127) / 128}, scales.data(), scales.size() * sizeof(float));
  }

  void Add(const std::string& name, DType dtype, std::vector<int64_t> shape, const void* data, size_t size) {
    specs_.push_back({name, dtype, std::move(shape)});
    bytes_.append(static_cast<const char*>(data), size);
  }

  const TinyOptions options_;
  Random random_;
  std::vector<TensorSpec> specs_;
  std::string bytes_;
};

void AddMlp(Writer& writer, const std::string& prefix, int64_t inner, const TinyOptions& options) {
  writer.Matrix(prefix + "gate_proj.weight", inner, options.hidden, options.dtype);
  writer.Matrix(prefix + "up_proj.weight", inner, options.hidden, options.dtype);
  writer.Matrix(prefix + "down_proj.weight", options.hidden, inner, options.dtype);
}

void AddAttention(Writer& writer, const std::string& prefix, const TinyOptions& options) {
  if (options.q_lora) {
    writer.Matrix(prefix + "q_a_proj.weight", kQLora, options.hidden, options.dtype);
    writer.Vector(prefix + "q_a_layernorm.weight", kQLora, 1, 0.1f);
    writer.RopeMatrix(prefix + "q_b_proj.weight", kHeads * (options.nope + options.rope), kQLora, options.nope + options.rope);
  } else {
    writer.RopeMatrix(prefix + "q_proj.weight", kHeads * (options.nope + options.rope), options.hidden, options.nope + options.rope);
  }
  writer.RopeMatrix(prefix + "kv_a_proj_with_mqa.weight", options.kv_lora + options.rope, options.hidden, options.kv_lora + options.rope);
  writer.Vector(prefix + "kv_a_layernorm.weight", options.kv_lora, 1, 0.1f);
  writer.Matrix(prefix + "kv_b_proj.weight", kHeads * (options.nope + options.v_head), options.kv_lora, options.dtype);
  writer.Matrix(prefix + "o_proj.weight", options.hidden, kHeads * options.v_head, options.dtype);
}

void AddLayer(Writer& writer, int64_t layer, const TinyOptions& options) {
  const std::string prefix = absl::StrCat("model.layers.", layer, ".");
  writer.Vector(prefix + "input_layernorm.weight", options.hidden, 1, 0.1f);
  writer.Vector(prefix + "post_attention_layernorm.weight", options.hidden, 1, 0.1f);
  AddAttention(writer, prefix + "self_attn.", options);
  if (layer == 0) return AddMlp(writer, prefix + "mlp.", kInner, options);
  writer.Matrix(prefix + "mlp.gate.weight", kExperts, options.hidden, DType::kBf16);
  if (!options.v2) writer.Vector(prefix + "mlp.gate.e_score_correction_bias", kExperts, 0, 0.2f);
  AddMlp(writer, prefix + "mlp.shared_experts.", kMoeInner, options);
  for (int64_t expert = 0; expert < kExperts; ++expert) {
    AddMlp(writer, absl::StrCat(prefix, "mlp.experts.", expert, "."), kMoeInner, options);
  }
}

std::string ConfigJson(const TinyOptions& options) {
  const char* kind = options.v2 ? R"("architectures":["DeepseekV2ForCausalLM"],"model_type":"deepseek_v2","scoring_func":"softmax",
      "topk_method":"group_limited_greedy","norm_topk_prob":false,"routed_scaling_factor":4.0,)"
                                : R"("architectures":["DeepseekV3ForCausalLM"],"model_type":"deepseek_v3","scoring_func":"sigmoid",
      "topk_method":"noaux_tc","norm_topk_prob":true,"routed_scaling_factor":2.5,)";
  const char* fp8 =
      R"("quantization_config":{"quant_method":"fp8","fmt":"e4m3","activation_scheme":"dynamic","weight_block_size":[128,128]},)";
  return absl::StrCat(
      "{", kind, options.dtype == DType::kF8E4m3 ? fp8 : "", "\"vocab_size\":", options.vocab, ",\"hidden_size\":", options.hidden,
      ",\"intermediate_size\":", kInner, ",\"moe_intermediate_size\":", kMoeInner, ",\"num_hidden_layers\":", kLayers,
      ",\"num_attention_heads\":", kHeads, ",\"q_lora_rank\":", options.q_lora ? absl::StrCat(kQLora) : "null",
      ",\"kv_lora_rank\":", options.kv_lora, ",\"qk_nope_head_dim\":", options.nope, ",\"qk_rope_head_dim\":", options.rope,
      ",\"v_head_dim\":", options.v_head, ",\"n_routed_experts\":", kExperts,
      R"(,"n_shared_experts":1,"num_experts_per_tok":3,"n_group":4,"topk_group":2,"first_k_dense_replace":1,"num_key_value_heads":4,
      "moe_layer_freq":1,"num_nextn_predict_layers":1,"max_position_embeddings":1024,"rope_theta":10000,"rms_norm_eps":1e-6,
      "hidden_act":"silu","bos_token_id":0,"eos_token_id":1,"rope_scaling":{"type":"yarn","factor":4,"original_max_position_embeddings":256,
      "beta_fast":32,"beta_slow":1,"mscale":1.0,"mscale_all_dim":1.0},)",
      "\"tie_word_embeddings\":", options.tie_word_embeddings ? "true" : "false",
      ",\"rope_interleave\":", options.rope_interleave ? "true" : "false", "}");
}

}  // namespace

std::string FreshDirectory(const std::string& name) {
  const std::string path = absl::StrCat(testing::TempDir(), "/", name);
  std::filesystem::remove_all(path);
  std::filesystem::create_directories(path);
  return path;
}

std::string WriteTinyCheckpoint(const std::string& name, const TinyOptions& options) {
  const std::string directory = FreshDirectory(name);
  Writer writer(options);
  writer.Matrix("model.embed_tokens.weight", options.vocab, options.hidden, DType::kBf16);
  for (int64_t layer = 0; layer < kLayers; ++layer) AddLayer(writer, layer, options);
  writer.Vector(absl::StrCat("model.layers.", kLayers, ".enorm.weight"), options.hidden, 1, 0.1f);
  writer.Vector("model.norm.weight", options.hidden, 1, 0.1f);
  if (!options.tie_word_embeddings) writer.Matrix("lm_head.weight", options.vocab, options.hidden, DType::kBf16);
  const absl::Status written = writer.Write(directory + "/model.safetensors");
  EXPECT_TRUE(written.ok()) << written;
  std::ofstream(directory + "/config.json") << ConfigJson(options);
  return directory;
}

}  // namespace baleen
