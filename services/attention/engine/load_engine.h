// The engine of whichever device computes.
#ifndef BALEEN_SERVICES_ATTENTION_ENGINE_LOAD_ENGINE_H_
#define BALEEN_SERVICES_ATTENTION_ENGINE_LOAD_ENGINE_H_

#include <memory>

#include "absl/status/statusor.h"
#include "base/thread_pool.h"
#include "model/checkpoint/checkpoint.h"
#include "model/config/model_config.h"
#include "services/attention/engine/engine.h"

namespace baleen {

// By options.numerics.device. `checkpoint` and `pool` outlive the engine. INVALID_ARGUMENT for options and sizes that it does not take.
absl::StatusOr<std::unique_ptr<Engine>> LoadEngine(Checkpoint& checkpoint, const ModelConfig& config, const EngineOptions& options,
                                                   ThreadPool* pool);

}  // namespace baleen

#endif  // BALEEN_SERVICES_ATTENTION_ENGINE_LOAD_ENGINE_H_
