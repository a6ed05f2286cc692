// The activations of one batch in a GPU's memory, allocated once.
#ifndef BALEEN_SERVICES_ATTENTION_ENGINE_CUDA_SCRATCH_H_
#define BALEEN_SERVICES_ATTENTION_ENGINE_CUDA_SCRATCH_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "kernels/cuda/base/device.h"
#include "model/config/model_config.h"
#include "model/cuda/column_gather.h"
#include "model/cuda/device_matrix.h"
#include "model/cuda/device_mla.h"
#include "model/cuda/device_mlp.h"
#include "model/cuda/rank_group.h"
#include "model/cuda/rank_slice.h"

namespace baleen {

// Row r of a batch is row r of every buffer.
struct CudaScratch {
  static absl::StatusOr<CudaScratch> Allocate(const ModelConfig& config, const DeviceMlaParams& mla, int64_t max_rows, RankGroup* group);

  // For a batch of `rows`, with room for `logits` rows of logits; what was there is lost. The batch before is done. RESOURCE_EXHAUSTED
  // when that room cannot be had; all stays as it is then.
  absl::Status Begin(int64_t rows, int64_t logits, cuda::Stream stream);

  RankGroup* group = nullptr;  // Null where the rank is alone.
  RankSlice slice;
  int64_t hidden = 0;
  int64_t vocab_size = 0;
  cuda::DeviceMemory residual;  // F32 [rows, hidden]
  DeviceActivations normed;     // [rows, hidden]
  cuda::DeviceMemory delta;     // BF16 [rows, hidden]: attention's, the dense MLP's or the shared expert's output
  DeviceMlaScratch attention;
  DeviceMlpScratch mlp;
  cuda::DeviceMemory gate_logits;     // F32 [rows, experts]
  cuda::DeviceMemory expert_ids;      // [rows, top_k]
  cuda::DeviceMemory expert_weights;  // F32 [rows, top_k]

  int64_t generation = 0;           // Changes when memory of these moves.
  int64_t logits_stride = 0;        // PaddedLogits
  int64_t logits_rows = 0;          // Room of these:
  cuda::DeviceMemory logits_input;  // BF16 [rows, hidden]
  cuda::DeviceMemory logits;        // F32 [rows, logits_stride]
  ColumnGather logits_gather;       // Of these.
  cuda::PinnedMemory logits_host;   // F32 [rows, vocab_size], of the rows that the host wants; at the first rank.
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_ATTENTION_ENGINE_CUDA_SCRATCH_H_
