#include "services/attention/engine/cuda_scratch.h"

#include <algorithm>
#include <utility>

#include "base/status_macros.h"
#include "model/cuda/device_network_weights.h"
#include "model/cuda/device_status.h"

namespace baleen {
namespace {

constexpr int64_t kFloatBytes = sizeof(float);
constexpr int64_t kBf16Bytes = sizeof(Bf16);

int64_t WidestMlp(const ModelConfig& config) {
  const int64_t shared = config.n_shared_experts * config.moe_intermediate_size;
  return config.moe_layers() == config.num_hidden_layers ? std::max<int64_t>(shared, 1) : std::max(shared, config.intermediate_size);
}

// All of it or nothing: recorded graphs hold these pointers for as long as the generation is theirs.
absl::Status ReserveLogits(CudaScratch& scratch, int64_t rows) {
  if (rows <= scratch.logits_rows) return absl::OkStatus();
  const int64_t row_bytes = scratch.logits_stride * kFloatBytes;
  ASSIGN_OR_RETURN(cuda::DeviceMemory input, AllocateOnDevice(rows * scratch.hidden * kBf16Bytes));
  ASSIGN_OR_RETURN(cuda::DeviceMemory logits, AllocateOnDevice(rows * row_bytes));
  ASSIGN_OR_RETURN(ColumnGather gather, ColumnGather::Allocate(scratch.group, scratch.slice, rows, scratch.slice.Count(row_bytes)));
  cuda::PinnedMemory host;
  if (scratch.slice.rank == 0) {
    const int64_t bytes = rows * scratch.vocab_size * kFloatBytes;
    RETURN_IF_ERROR(HasRoom(cuda::PinnedMemory::Allocate(static_cast<size_t>(bytes), &host), bytes, "for logits"));
  }
  scratch.logits_input = std::move(input);
  scratch.logits = std::move(logits);
  scratch.logits_gather = std::move(gather);
  scratch.logits_host = std::move(host);
  scratch.logits_rows = rows;
  ++scratch.generation;
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<CudaScratch> CudaScratch::Allocate(const ModelConfig& config, const DeviceMlaParams& mla, int64_t max_rows,
                                                  RankGroup* group) {
  CudaScratch scratch;
  scratch.group = group;
  scratch.slice = mla.shape.slice;
  scratch.hidden = config.hidden_size;
  scratch.vocab_size = config.vocab_size;
  scratch.logits_stride = PaddedLogits(config, scratch.slice);
  const int64_t top_k = std::max<int64_t>(config.num_experts_per_tok, 1);
  const int64_t experts = std::max<int64_t>(config.n_routed_experts, 1);
  ASSIGN_OR_RETURN(scratch.residual, AllocateOnDevice(max_rows * scratch.hidden * kFloatBytes));
  ASSIGN_OR_RETURN(scratch.normed, DeviceActivations::Allocate(max_rows, scratch.hidden, true, mla.compute == DType::kF8E4m3));
  ASSIGN_OR_RETURN(scratch.delta, AllocateOnDevice(max_rows * scratch.hidden * kBf16Bytes));
  ASSIGN_OR_RETURN(scratch.attention, DeviceMlaScratch::Allocate(mla, max_rows, config.max_position_embeddings, group));
  ASSIGN_OR_RETURN(scratch.mlp, DeviceMlpScratch::Allocate(max_rows, WidestMlp(config), mla.compute));
  ASSIGN_OR_RETURN(scratch.gate_logits, AllocateOnDevice(max_rows * experts * kFloatBytes));
  ASSIGN_OR_RETURN(scratch.expert_ids, AllocateOnDevice(max_rows * top_k * static_cast<int64_t>(sizeof(int32_t))));
  ASSIGN_OR_RETURN(scratch.expert_weights, AllocateOnDevice(max_rows * top_k * kFloatBytes));
  return scratch;
}

absl::Status CudaScratch::Begin(int64_t rows, int64_t logits, cuda::Stream stream) {
  RETURN_IF_ERROR(ReserveLogits(*this, logits));
  RETURN_IF_ERROR(attention.gather.Begin(rows, stream));
  return logits_gather.Begin(logits, stream);
}

}  // namespace baleen
