// One layer's latent attention projections on a GPU (model spec sections 2 and 3.1). Ranks share out the heads, and the output projection
// by its outputs: every rank has all of what leads to the latent KV, which all heads read.
#ifndef BALEEN_MODEL_CUDA_DEVICE_ATTENTION_WEIGHTS_H_
#define BALEEN_MODEL_CUDA_DEVICE_ATTENTION_WEIGHTS_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "kernels/cuda/base/device.h"
#include "model/checkpoint/checkpoint.h"
#include "model/config/model_config.h"
#include "model/cuda/device_matrix.h"
#include "model/cuda/rank_slice.h"

namespace baleen {

// How wide rows are where kernels ask for more than the network has.
struct DeviceAttentionShape {
  RankSlice slice;
  int64_t all_heads = 0;
  int64_t heads = 0;    // This rank's,
  int64_t outputs = 0;  // and its columns of attention's output.
  int64_t nope = 0;
  int64_t rope = 0;
  int64_t kv_lora = 0;
  int64_t v = 0;
  int64_t q_lora = 0;       // 0 = a single query projection.
  int64_t kv_begin = 0;     // Of the KV part in a row of the fused projection: q_lora and what it is filled up with.
  int64_t fused = 0;        // Width of such a row.
  int64_t padded_nope = 0;  // Inputs of a head's absorbed projection; weights behind nope are zero.
  int64_t query = 0;        // Row stride of queries: behind the last head's there is room for padded_nope.

  // INVALID_ARGUMENT names the size that the kernels do not take or that ranks cannot share out.
  static absl::StatusOr<DeviceAttentionShape> Of(const ModelConfig& config, DType compute, RankSlice slice);

  int64_t head() const { return nope + rope; }
  int64_t kv_width() const { return kv_lora + rope; }
};

// Immutable once loaded. Rope channels are in interleaved order whatever the checkpoint's order is.
struct DeviceAttentionWeights {
  DeviceMatrix fused;            // hidden -> q_a (where q_lora is not 0), then kv_a.
  cuda::DeviceMemory q_a_norm;   // F32 [q_lora]; empty where q_lora is 0.
  DeviceMatrix q_b;              // q_lora (or hidden) -> heads * (nope + rope), nope first in a head.
  cuda::DeviceMemory kv_a_norm;  // F32 [kv_lora]
  cuda::DeviceMemory w_uk;       // BF16 [heads, kv_lora, padded_nope]: W_UK transposed.
  cuda::DeviceMemory w_uv;       // BF16 [heads, v, kv_lora]
  DeviceMatrix o;                // all_heads * v -> outputs

  // `prefix` is "model.layers.N.self_attn.".
  static absl::StatusOr<DeviceAttentionWeights> Load(Checkpoint& checkpoint, const ModelConfig& config, const DeviceAttentionShape& shape,
                                                     const std::string& prefix, DType compute);
};

}  // namespace baleen

#endif  // BALEEN_MODEL_CUDA_DEVICE_ATTENTION_WEIGHTS_H_
