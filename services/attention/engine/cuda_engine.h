// The engine on a GPU, or one rank of several (tensor_parallel_engine.h).
#ifndef BALEEN_SERVICES_ATTENTION_ENGINE_CUDA_ENGINE_H_
#define BALEEN_SERVICES_ATTENTION_ENGINE_CUDA_ENGINE_H_

#include <memory>

#include "absl/status/statusor.h"
#include "model/checkpoint/checkpoint.h"
#include "model/config/model_config.h"
#include "model/cuda/rank_group.h"
#include "model/cuda/rank_slice.h"
#include "services/attention/engine/engine.h"

namespace baleen {

// `checkpoint` outlives the engine. INVALID_ARGUMENT for sizes and options that it does not take, FAILED_PRECONDITION where there is no
// such device, RESOURCE_EXHAUSTED when it has no room. With a `group`, which outlives it, on the calling thread's device: all ranks Step at
// the same time with the same sequences and experts' outputs, and only the first one gives logits and tokens, the others taking null for
// logits.
absl::StatusOr<std::unique_ptr<Engine>> LoadCudaEngine(Checkpoint& checkpoint, const ModelConfig& config, const EngineOptions& options,
                                                       RankGroup* group = nullptr, RankSlice slice = {});

}  // namespace baleen

#endif  // BALEEN_SERVICES_ATTENTION_ENGINE_CUDA_ENGINE_H_
