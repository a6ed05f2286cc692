// Multi-head latent attention in its absorbed form on a GPU, in steps (model spec sections 3.1, 3.3 and 3.4). All of them enqueue.
#ifndef BALEEN_MODEL_CUDA_DEVICE_MLA_H_
#define BALEEN_MODEL_CUDA_DEVICE_MLA_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "kernels/cuda/base/device.h"
#include "model/config/model_config.h"
#include "model/cuda/column_gather.h"
#include "model/cuda/device_attention_weights.h"
#include "model/cuda/device_matrix.h"
#include "model/cuda/rank_group.h"

namespace baleen {

// What all layers share.
struct DeviceMlaParams {
  DeviceAttentionShape shape;
  float scale = 0;  // Softmax scale, mscale^2 included.
  float latent_eps = 0;
  const float* rope_frequencies = nullptr;  // On the device, [rope / 2].
  float rope_magnitude = 1;
  DType compute = DType::kBf16;
};

// The rows of a batch and where their sequences' pages lie; all arrays are on the device.
struct DeviceKvRows {
  int64_t rows = 0;
  int64_t largest_position = 0;          // At least every row's.
  const int32_t* positions = nullptr;    // [rows]
  const int32_t* first_block = nullptr;  // [rows]
  const int32_t* blocks = nullptr;       // Pages, as kernels/cuda/mla/mla.h has them.
  Bf16* pages = nullptr;                 // One layer's first page.
  int64_t page_count = 0;
};

struct DeviceMlaScratch {
  cuda::DeviceMemory fused;     // BF16 [rows, shape.fused]
  DeviceActivations q_latent;   // [rows, q_lora]
  cuda::DeviceMemory q;         // BF16 [rows, shape.query]; what lies behind the last head stays zero.
  cuda::DeviceMemory query;     // BF16 [rows, heads, kv_lora + rope]
  cuda::DeviceMemory context;   // BF16 [rows, heads, kv_lora]
  DeviceActivations heads_out;  // [rows, all_heads * v]
  ColumnGather gather;          // Of heads_out and of the output. Begins with a batch.
  cuda::DeviceMemory workspace;
  int64_t workspace_floats = 0;

  // `group`: null where a rank is alone.
  static absl::StatusOr<DeviceMlaScratch> Allocate(const DeviceMlaParams& params, int64_t max_rows, int64_t max_positions,
                                                   RankGroup* group);
};

// From x [rows, hidden]: the fused projection into scratch.fused, and the rows' latent KV into their pages.
absl::Status WriteKv(const DeviceMlaParams& params, const DeviceAttentionWeights& weights, const DeviceRows& x, const DeviceKvRows& kv,
                     const DeviceMlaScratch& scratch, cuda::Stream stream);

// After WriteKv with the same x: y [rows, hidden] BF16 = attention's output, on every rank.
absl::Status Attend(const DeviceMlaParams& params, const DeviceAttentionWeights& weights, const DeviceRows& x, const DeviceKvRows& kv,
                    const DeviceMlaScratch& scratch, Bf16* y, cuda::Stream stream);

}  // namespace baleen

#endif  // BALEEN_MODEL_CUDA_DEVICE_MLA_H_
