// The engine on this host's CPU.
#ifndef BALEEN_SERVICES_ATTENTION_ENGINE_CPU_ENGINE_H_
#define BALEEN_SERVICES_ATTENTION_ENGINE_CPU_ENGINE_H_

#include <memory>

#include "absl/status/statusor.h"
#include "base/thread_pool.h"
#include "model/checkpoint/checkpoint.h"
#include "model/config/model_config.h"
#include "services/attention/engine/engine.h"

namespace baleen {

// `checkpoint` and `pool` outlive the engine.
absl::StatusOr<std::unique_ptr<Engine>> LoadCpuEngine(Checkpoint& checkpoint, const ModelConfig& config, const EngineOptions& options,
                                                      ThreadPool* pool);

}  // namespace baleen

#endif  // BALEEN_SERVICES_ATTENTION_ENGINE_CPU_ENGINE_H_
