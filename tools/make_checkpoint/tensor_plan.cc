#include "tools/make_checkpoint/tensor_plan.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace baleen {
namespace {

class Planner {
 public:
  explicit Planner(const ModelConfig& config) : config_(config) {}

  std::vector<PlannedTensor> Plan() {
    Matrix("model.embed_tokens.weight", config_.vocab_size, config_.hidden_size);
    for (int64_t layer = 0; layer < config_.num_hidden_layers; ++layer) {
      const std::string prefix = absl::StrCat("model.layers.", layer, ".");
      Norm(prefix + "input_layernorm.weight", config_.hidden_size);
      Attention(prefix + "self_attn.");
      Norm(prefix + "post_attention_layernorm.weight", config_.hidden_size);
      if (config_.IsMoe(layer)) {
        Moe(prefix + "mlp.");
      } else {
        Mlp(prefix + "mlp.", config_.intermediate_size);
      }
    }
    Norm("model.norm.weight", config_.hidden_size);
    Matrix("lm_head.weight", config_.vocab_size, config_.hidden_size);
    return std::move(tensors_);
  }

 private:
  void Matrix(const std::string& name, int64_t rows, int64_t cols) {
    tensors_.push_back({name, DType::kBf16, {rows, cols}, TensorRole::kMatrix});
  }

  void Norm(const std::string& name, int64_t size) { tensors_.push_back({name, DType::kBf16, {size}, TensorRole::kNorm}); }

  // A matrix that FP8 checkpoints quantise.
  void Projection(const std::string& name, int64_t rows, int64_t cols) {
    Matrix(name, rows, cols);
    if (!config_.fp8) return;
    tensors_.back().dtype = DType::kF8E4m3;
    tensors_.push_back({name + "_scale_inv", DType::kF32, {(rows + 127) / 128, (cols + 127) / 128}, TensorRole::kFp8Scale});
  }

  void Attention(const std::string& prefix) {
    const int64_t heads = config_.num_attention_heads;
    const int64_t nope = config_.qk_nope_head_dim, rope = config_.qk_rope_head_dim, value = config_.v_head_dim;
    Projection(prefix + "q_a_proj.weight", config_.q_lora_rank, config_.hidden_size);
    Norm(prefix + "q_a_layernorm.weight", config_.q_lora_rank);
    Projection(prefix + "q_b_proj.weight", heads * (nope + rope), config_.q_lora_rank);
    Projection(prefix + "kv_a_proj_with_mqa.weight", config_.kv_width(), config_.hidden_size);
    Norm(prefix + "kv_a_layernorm.weight", config_.kv_lora_rank);
    Projection(prefix + "kv_b_proj.weight", heads * (nope + value), config_.kv_lora_rank);
    Projection(prefix + "o_proj.weight", config_.hidden_size, heads * value);
  }

  void Mlp(const std::string& prefix, int64_t inner) {
    Projection(prefix + "gate_proj.weight", inner, config_.hidden_size);
    Projection(prefix + "up_proj.weight", inner, config_.hidden_size);
    Projection(prefix + "down_proj.weight", config_.hidden_size, inner);
  }

  void Moe(const std::string& prefix) {
    Matrix(prefix + "gate.weight", config_.n_routed_experts, config_.hidden_size);
    tensors_.push_back({prefix + "gate.e_score_correction_bias", DType::kF32, {config_.n_routed_experts}, TensorRole::kGateBias});
    for (int64_t expert = 0; expert < config_.n_routed_experts; ++expert) {
      Mlp(absl::StrCat(prefix, "experts.", expert, "."), config_.moe_intermediate_size);
    }
    Mlp(prefix + "shared_experts.", config_.moe_intermediate_size * config_.n_shared_experts);
  }

  const ModelConfig& config_;
  std::vector<PlannedTensor> tensors_;
};

}  // namespace

int64_t PlannedTensor::Elements() const {
  int64_t elements = 1;
  for (const int64_t dimension : shape) elements *= dimension;
  return elements;
}

std::vector<PlannedTensor> PlanTensors(const ModelConfig& config) { return Planner(config).Plan(); }

int64_t TotalBytes(const std::vector<PlannedTensor>& tensors) {
  int64_t bytes = 0;
  for (const PlannedTensor& tensor : tensors) bytes += tensor.Bytes();
  return bytes;
}

}  // namespace baleen
