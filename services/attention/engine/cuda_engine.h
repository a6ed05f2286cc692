// The engine on a GPU.
#ifndef BALEEN_SERVICES_ATTENTION_ENGINE_CUDA_ENGINE_H_
#define BALEEN_SERVICES_ATTENTION_ENGINE_CUDA_ENGINE_H_

#include <memory>

#include "absl/status/statusor.h"
#include "model/checkpoint/checkpoint.h"
#include "model/config/model_config.h"
#include "services/attention/engine/engine.h"

namespace baleen {

// `checkpoint` outlives the engine. INVALID_ARGUMENT for sizes and options that it does not take, FAILED_PRECONDITION where there is no
// such device, RESOURCE_EXHAUSTED when it has no room.
absl::StatusOr<std::unique_ptr<Engine>> LoadCudaEngine(Checkpoint& checkpoint, const ModelConfig& config, const EngineOptions& options);

}  // namespace baleen

#endif  // BALEEN_SERVICES_ATTENTION_ENGINE_CUDA_ENGINE_H_
