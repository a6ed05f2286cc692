// The network as a StepRunner.
#ifndef BALEEN_SERVICES_ATTENTION_WORKER_ENGINE_RUNNER_H_
#define BALEEN_SERVICES_ATTENTION_WORKER_ENGINE_RUNNER_H_

#include <vector>

#include "services/attention/worker/step_runner.h"

namespace baleen {

class Engine;
class ExpertBackend;

class EngineRunner final : public StepRunner {
 public:
  // Both outlive this.
  EngineRunner(Engine* engine, ExpertBackend* experts) : engine_(engine), experts_(experts) {}

  int64_t vocab_size() const override;
  absl::Status Step(absl::Span<const SequenceStep> sequences, BlockPool& kv, absl::Time deadline,
                    const std::function<void(int layer)>& on_layer, std::vector<float>* logits) override;

 private:
  Engine* const engine_;
  ExpertBackend* const experts_;
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_ATTENTION_WORKER_ENGINE_RUNNER_H_
