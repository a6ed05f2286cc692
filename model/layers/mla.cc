#include "model/layers/mla.h"

#include <algorithm>
#include <cstring>

#include "base/parallel_for.h"
#include "kernels/elementwise.h"
#include "kernels/fork_cost.h"
#include "model/layers/row_ops.h"

namespace baleen {
namespace {

constexpr int64_t kRopeGrain = 8;  // Rows.
// Multiplications of a task of heads: a fork has two tasks at least.
constexpr int64_t kHeadProducts = kForkProducts / 2;

int64_t HeadGrain(int64_t products_of_a_head) { return std::max<int64_t>(1, kHeadProducts / products_of_a_head); }

// query[r][h][kv_lora ..] = rotated q_pe.
void RotateQuery(const MlaParams& params, const float* q, const int64_t* positions, int64_t rows, float* query, ThreadPool* pool) {
  const int64_t heads = params.shape.heads;
  const int64_t head_width = params.nope + params.shape.rope;
  const int64_t width = params.kv_width();
  ParallelFor(pool, rows, kRopeGrain, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      float* const first = query + row * heads * width + params.shape.kv_lora;
      for (int64_t head = 0; head < heads; ++head) {
        std::copy_n(q + (row * heads + head) * head_width + params.nope, params.shape.rope, first + head * width);
      }
      Rope(first, heads, width, params.shape.rope, positions[row], params.rope_frequencies.data(), params.rope_magnitude);
    }
  });
}

}  // namespace

MlaParams MlaParamsOf(const ModelConfig& config, const Numerics& numerics) {
  MlaParams params;
  params.shape.heads = static_cast<int>(config.num_attention_heads);
  params.shape.kv_lora = static_cast<int>(config.kv_lora_rank);
  params.shape.rope = static_cast<int>(config.qk_rope_head_dim);
  params.shape.scale = static_cast<float>(config.SoftmaxScale());
  params.shape.kv_dtype = numerics.activations();
  params.hidden = config.hidden_size;
  params.q_lora = config.q_lora_rank;
  params.nope = config.qk_nope_head_dim;
  params.v = config.v_head_dim;
  params.latent_eps = config.latent_norm_eps();
  params.rope_frequencies = config.RopeFrequencies();
  params.rope_magnitude = static_cast<float>(config.RopeMagnitude());
  params.isa = numerics.isa;
  return params;
}

void ProjectKv(const MlaParams& params, const AttentionWeights& weights, const float* x, const int64_t* positions, int64_t rows, float* kv,
               ThreadPool* pool) {
  const int64_t width = params.kv_width();
  weights.kv_a.Apply(x, rows, params.hidden, kv, width, pool);
  NormRows(kv, width, weights.kv_a_norm.data(), params.latent_eps, rows, params.shape.kv_lora, kv, width, pool);
  for (int64_t row = 0; row < rows; ++row) {
    Rope(kv + row * width + params.shape.kv_lora, 1, width, params.shape.rope, positions[row], params.rope_frequencies.data(),
         params.rope_magnitude);
  }
}

void StoreKvRow(const float* kv, int64_t width, DType dtype, std::byte* page, int64_t slot) {
  std::byte* const row = page + slot * width * static_cast<int64_t>(SizeOf(dtype));
  if (dtype == DType::kF32) {
    std::memcpy(row, kv, width * sizeof(float));
    return;
  }
  std::transform(kv, kv + width, reinterpret_cast<Bf16*>(row), F32ToBf16);
}

void ProjectQuery(const MlaParams& params, const AttentionWeights& weights, const float* x, const int64_t* positions, int64_t rows,
                  const MlaQueryScratch& scratch, float* query, ThreadPool* pool) {
  const int64_t q_width = params.query_width();
  if (params.q_lora == 0) {
    weights.q_b.Apply(x, rows, params.hidden, scratch.q, q_width, pool);
  } else {
    weights.q_a.Apply(x, rows, params.hidden, scratch.q_latent, params.q_lora, pool);
    NormRows(scratch.q_latent, params.q_lora, weights.q_a_norm.data(), params.latent_eps, rows, params.q_lora, scratch.q_latent,
             params.q_lora, pool);
    weights.q_b.Apply(scratch.q_latent, rows, params.q_lora, scratch.q, q_width, pool);
  }
  const int64_t head_width = params.nope + params.shape.rope;
  const int64_t width = params.kv_width();
  ParallelFor(pool, params.shape.heads, HeadGrain(rows * params.nope * params.shape.kv_lora), [&](int64_t begin, int64_t end) {
    for (int64_t head = begin; head < end; ++head) {
      weights.w_uk[head].Apply(scratch.q + head * head_width, rows, q_width, query + head * width, params.shape.heads * width, nullptr);
    }
  });
  RotateQuery(params, scratch.q, positions, rows, query, pool);
}

void ProjectOutput(const MlaParams& params, const AttentionWeights& weights, const float* context, int64_t rows, float* head_scratch,
                   float* y, ThreadPool* pool) {
  const int64_t heads = params.shape.heads;
  const int64_t kv_lora = params.shape.kv_lora;
  ParallelFor(pool, heads, HeadGrain(rows * kv_lora * params.v), [&](int64_t begin, int64_t end) {
    for (int64_t head = begin; head < end; ++head) {
      weights.w_uv[head].Apply(context + head * kv_lora, rows, heads * kv_lora, head_scratch + head * params.v, heads * params.v, nullptr);
    }
  });
  weights.o.Apply(head_scratch, rows, heads * params.v, y, params.hidden, pool);
}

}  // namespace baleen
