#include "model/cuda/device_attention_weights.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/status_macros.h"
#include "model/cuda/device_status.h"
#include "model/cuda/rounding.h"
#include "model/weights/weight_views.h"

namespace baleen {
namespace {

// Inputs of a batched product: a multiple of 128 bytes.
constexpr int64_t kBatchedInputs = 64;

absl::Status Multiple(const char* name, int64_t value, int64_t of, absl::string_view where = "on a GPU") {
  if (value % of == 0) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(name, " is ", value, "; ", where, " it must be a multiple of ", of));
}

// A projection whose output groups end in rope channels, those in interleaved order; `ordered` holds it where it is reordered.
WeightView WithRope(const WeightView& view, const ModelConfig& config, int64_t group_rows, std::vector<float>* ordered) {
  if (config.rope_interleave) return view;
  const int64_t rope = config.qk_rope_head_dim;
  *ordered = InterleaveRopeRows(view, group_rows, group_rows - rope, rope);
  WeightView reordered;
  reordered.data = ordered->data();
  reordered.rows = view.rows;
  reordered.cols = view.cols;
  return reordered;
}

// Reordered rows leave the checkpoint's FP8 blocks; BF16 keeps the bits that FP8 would have.
DType RopeType(const ModelConfig& config, DType compute) { return config.rope_interleave ? compute : DType::kBf16; }

// Whether every rank's part is whole heads, whole blocks of scales in FP8, and what products and gathered columns are aligned to.
absl::Status CheckShares(const ModelConfig& config, const DeviceAttentionShape& shape, DType compute) {
  const int size = shape.slice.size;
  if (size == 1) return absl::OkStatus();
  const bool fp8 = compute == DType::kF8E4m3;
  const std::string ranks = absl::StrCat("shared out to ", size, " GPUs");
  RETURN_IF_ERROR(Multiple("num_attention_heads", shape.all_heads, size, ranks));
  RETURN_IF_ERROR(Multiple("hidden_size", config.hidden_size, size * (fp8 ? 128 : 8), ranks));
  if (RopeType(config, compute) != DType::kF8E4m3) return absl::OkStatus();
  return Multiple("num_attention_heads * (qk_nope_head_dim + qk_rope_head_dim)", shape.all_heads * shape.head(), size * 128, ranks);
}

absl::Status LoadQuery(Checkpoint& checkpoint, const ModelConfig& config, const DeviceAttentionShape& shape, const std::string& prefix,
                       DType compute, DeviceAttentionWeights* weights) {
  const int64_t inputs = shape.q_lora == 0 ? config.hidden_size : shape.q_lora;
  ASSIGN_OR_RETURN(const WeightView q, checkpoint.GetWeight(prefix + (shape.q_lora == 0 ? "q_proj.weight" : "q_b_proj.weight"),
                                                            shape.all_heads * shape.head(), inputs));
  std::vector<float> ordered;
  const int64_t rows = shape.heads * shape.head();
  const WeightView own = SliceRows(WithRope(q, config, shape.head(), &ordered), shape.slice.rank * rows, rows);
  ASSIGN_OR_RETURN(weights->q_b, DeviceMatrix::Of(own, RopeType(config, compute), inputs));
  if (shape.q_lora == 0) return absl::OkStatus();
  ASSIGN_OR_RETURN(const std::vector<float> norm, checkpoint.GetVector(prefix + "q_a_layernorm.weight", shape.q_lora));
  ASSIGN_OR_RETURN(weights->q_a_norm, UploadFloats(norm));
  return absl::OkStatus();
}

absl::Status LoadFused(Checkpoint& checkpoint, const ModelConfig& config, const DeviceAttentionShape& shape, const std::string& prefix,
                       DType compute, DeviceAttentionWeights* weights) {
  ASSIGN_OR_RETURN(weights->fused, DeviceMatrix::Allocate(RopeType(config, compute), shape.fused, config.hidden_size));
  if (shape.q_lora != 0) {
    ASSIGN_OR_RETURN(const WeightView q_a, checkpoint.GetWeight(prefix + "q_a_proj.weight", shape.q_lora, config.hidden_size));
    RETURN_IF_ERROR(weights->fused.Upload(q_a, 0, shape.kv_begin));
  }
  ASSIGN_OR_RETURN(const WeightView kv_a, checkpoint.GetWeight(prefix + "kv_a_proj_with_mqa.weight", shape.kv_width(), config.hidden_size));
  std::vector<float> ordered;
  RETURN_IF_ERROR(weights->fused.Upload(WithRope(kv_a, config, shape.kv_width(), &ordered), shape.kv_begin, shape.fused - shape.kv_begin));
  ASSIGN_OR_RETURN(const std::vector<float> norm, checkpoint.GetVector(prefix + "kv_a_layernorm.weight", shape.kv_lora));
  ASSIGN_OR_RETURN(weights->kv_a_norm, UploadFloats(norm));
  return absl::OkStatus();
}

// W_UK transposed and W_UV by head, in BF16 whatever the checkpoint has: batched products take no scales.
absl::Status LoadAbsorbed(Checkpoint& checkpoint, const DeviceAttentionShape& shape, const std::string& prefix,
                          DeviceAttentionWeights* weights) {
  const int64_t head_rows = shape.nope + shape.v;
  ASSIGN_OR_RETURN(const WeightView kv_b, checkpoint.GetWeight(prefix + "kv_b_proj.weight", shape.all_heads * head_rows, shape.kv_lora));
  const int64_t first_head = shape.slice.rank * shape.heads;
  std::vector<Bf16> uk(static_cast<size_t>(shape.heads * shape.kv_lora * shape.padded_nope));
  std::vector<Bf16> uv(static_cast<size_t>(shape.heads * shape.v * shape.kv_lora));
  std::vector<float> rows(static_cast<size_t>(head_rows * shape.kv_lora));
  for (int64_t head = 0; head < shape.heads; ++head) {
    Dequantize(SliceRows(kv_b, (first_head + head) * head_rows, head_rows), rows.data());
    for (int64_t c = 0; c < shape.kv_lora; ++c) {
      for (int64_t i = 0; i < shape.nope; ++i) {
        uk[static_cast<size_t>((head * shape.kv_lora + c) * shape.padded_nope + i)] =
            F32ToBf16(rows[static_cast<size_t>(i * shape.kv_lora + c)]);
      }
    }
    for (int64_t i = 0; i < shape.v * shape.kv_lora; ++i) {
      uv[static_cast<size_t>(head * shape.v * shape.kv_lora + i)] = F32ToBf16(rows[static_cast<size_t>(shape.nope * shape.kv_lora + i)]);
    }
  }
  ASSIGN_OR_RETURN(weights->w_uk, AllocateOnDevice(static_cast<int64_t>(uk.size() * sizeof(Bf16))));
  ASSIGN_OR_RETURN(weights->w_uv, AllocateOnDevice(static_cast<int64_t>(uv.size() * sizeof(Bf16))));
  RETURN_IF_ERROR(FromDevice(cuda::CopyNow(weights->w_uk.data(), uk.data(), weights->w_uk.bytes())));
  return FromDevice(cuda::CopyNow(weights->w_uv.data(), uv.data(), weights->w_uv.bytes()));
}

}  // namespace

absl::StatusOr<DeviceAttentionShape> DeviceAttentionShape::Of(const ModelConfig& config, DType compute, RankSlice slice) {
  const bool fp8 = compute == DType::kF8E4m3;
  DeviceAttentionShape shape;
  shape.slice = slice;
  shape.all_heads = config.num_attention_heads;
  shape.heads = slice.Count(shape.all_heads);
  shape.outputs = slice.Count(config.hidden_size);
  shape.nope = config.qk_nope_head_dim;
  shape.rope = config.qk_rope_head_dim;
  shape.kv_lora = config.kv_lora_rank;
  shape.v = config.v_head_dim;
  shape.q_lora = config.q_lora_rank;
  RETURN_IF_ERROR(Multiple("hidden_size", config.hidden_size, 16));
  RETURN_IF_ERROR(Multiple("kv_lora_rank", shape.kv_lora, kBatchedInputs));
  RETURN_IF_ERROR(Multiple("qk_nope_head_dim", shape.nope, 8));
  RETURN_IF_ERROR(Multiple("qk_rope_head_dim", shape.rope, 8));
  RETURN_IF_ERROR(Multiple("v_head_dim", shape.v, 8));
  RETURN_IF_ERROR(Multiple("q_lora_rank", shape.q_lora, fp8 ? 16 : 8));
  if (fp8) RETURN_IF_ERROR(Multiple("num_attention_heads * v_head_dim", shape.all_heads * shape.v, 16));
  RETURN_IF_ERROR(CheckShares(config, shape, compute));
  // In FP8 the KV part begins a block of scales.
  shape.kv_begin = RoundUp(shape.q_lora, fp8 ? 128 : 8);
  shape.fused = shape.kv_begin + shape.kv_width();
  shape.padded_nope = RoundUp(shape.nope, kBatchedInputs);
  shape.query = RoundUp((shape.heads - 1) * shape.head() + std::max(shape.head(), shape.padded_nope), 8);
  return shape;
}

absl::StatusOr<DeviceAttentionWeights> DeviceAttentionWeights::Load(Checkpoint& checkpoint, const ModelConfig& config,
                                                                    const DeviceAttentionShape& shape, const std::string& prefix,
                                                                    DType compute) {
  DeviceAttentionWeights weights;
  RETURN_IF_ERROR(LoadQuery(checkpoint, config, shape, prefix, compute, &weights));
  RETURN_IF_ERROR(LoadFused(checkpoint, config, shape, prefix, compute, &weights));
  RETURN_IF_ERROR(LoadAbsorbed(checkpoint, shape, prefix, &weights));
  ASSIGN_OR_RETURN(const WeightView o, checkpoint.GetWeight(prefix + "o_proj.weight", config.hidden_size, shape.all_heads * shape.v));
  const WeightView own = SliceRows(o, shape.slice.rank * shape.outputs, shape.outputs);
  ASSIGN_OR_RETURN(weights.o, DeviceMatrix::Of(own, compute, shape.all_heads * shape.v));
  return weights;
}

}  // namespace baleen
