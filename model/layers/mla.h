// Multi-head latent attention in its absorbed form, in steps (model spec sections 3.1, 3.3 and 3.4).
#ifndef BALEEN_MODEL_LAYERS_MLA_H_
#define BALEEN_MODEL_LAYERS_MLA_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/thread_pool.h"
#include "kernels/mla_attention.h"
#include "model/config/model_config.h"
#include "model/layers/numerics.h"
#include "model/weights/attention_weights.h"

namespace baleen {

// What all layers share.
struct MlaParams {
  MlaShape shape;  // heads, kv_lora, rope, softmax scale, KV dtype
  int64_t hidden = 0;
  int64_t q_lora = 0;  // 0 = a single query projection.
  int64_t nope = 0;
  int64_t v = 0;
  double latent_eps = 1e-6;
  std::vector<float> rope_frequencies;  // [rope / 2]
  float rope_magnitude = 1;
  Isa isa = Isa::kReference;

  int64_t kv_width() const { return shape.kv_lora + shape.rope; }
  int64_t query_width() const { return shape.heads * (nope + shape.rope); }
};

MlaParams MlaParamsOf(const ModelConfig& config, const Numerics& numerics);

// kv [rows, kv_lora + rope] F32 = what is cached for x [rows, hidden]: the latent after its norm, then the key's rope part after rotation
// by positions [rows].
void ProjectKv(const MlaParams& params, const AttentionWeights& weights, const float* x, const int64_t* positions, int64_t rows, float* kv,
               ThreadPool* pool);

// Rounds one kv row to `dtype` into row `slot` of a page [64, width].
void StoreKvRow(const float* kv, int64_t width, DType dtype, std::byte* page, int64_t slot);

struct MlaQueryScratch {
  float* q_latent = nullptr;  // [rows, q_lora]
  float* q = nullptr;         // [rows, heads, nope + rope]
};

// query [rows, heads, kv_lora + rope] F32: per head W_UK^T q_nope, then q_pe rotated.
void ProjectQuery(const MlaParams& params, const AttentionWeights& weights, const float* x, const int64_t* positions, int64_t rows,
                  const MlaQueryScratch& scratch, float* query, ThreadPool* pool);

// y [rows, hidden] = o_proj of the heads' W_UV context; context [rows, heads, kv_lora], head_scratch [rows, heads, v].
void ProjectOutput(const MlaParams& params, const AttentionWeights& weights, const float* context, int64_t rows, float* head_scratch,
                   float* y, ThreadPool* pool);

}  // namespace baleen

#endif  // BALEEN_MODEL_LAYERS_MLA_H_
