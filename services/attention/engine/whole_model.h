// A whole network in one process: the engine, and the routed experts beside it.
#ifndef BALEEN_SERVICES_ATTENTION_ENGINE_WHOLE_MODEL_H_
#define BALEEN_SERVICES_ATTENTION_ENGINE_WHOLE_MODEL_H_

#include <memory>

#include "absl/status/statusor.h"
#include "base/thread_pool.h"
#include "model/checkpoint/checkpoint.h"
#include "model/config/model_config.h"
#include "model/cuda/device_experts.h"
#include "model/weights/expert_weights.h"
#include "services/attention/engine/engine.h"
#include "services/attention/engine/local_experts.h"

namespace baleen {

// `checkpoint` and `pool` outlive it.
class WholeModel {
 public:
  // On a GPU the experts are there too, and Step's backend is asked for nothing; with `host_experts` (BF16) the CPU computes them.
  static absl::StatusOr<WholeModel> Load(Checkpoint& checkpoint, const ModelConfig& config, EngineOptions options, ThreadPool* pool,
                                         bool host_experts = false);

  Engine& engine() const { return *engine_; }
  // For Step.
  ExpertBackend& experts() const { return *backend_; }

 private:
  std::unique_ptr<ExpertWeights> weights_;
  std::unique_ptr<DeviceExperts> device_experts_;
  std::unique_ptr<ExpertBackend> backend_;
  std::unique_ptr<Engine> engine_;
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_ATTENTION_ENGINE_WHOLE_MODEL_H_
