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
  // All outlive this. `mtp_experts` are the MTP layer's; null where no sequence decodes.
  EngineRunner(Engine* engine, ExpertBackend* experts, ExpertBackend* mtp_experts = nullptr)
      : engine_(engine), experts_(experts), mtp_experts_(mtp_experts) {}

  int64_t vocab_size() const override;
  absl::Status Step(absl::Span<const SequenceStep> sequences, BlockPool& kv, absl::Time deadline,
                    const std::function<void(int layer)>& on_layer, std::vector<float>* logits) override;

  bool drafts() const override;
  absl::Status Draft(absl::Span<const DraftStep> drafts, BlockPool& kv, const std::function<void(int layer)>& on_layer,
                     std::vector<float>* logits) override;

 private:
  Engine* const engine_;
  ExpertBackend* const experts_;
  ExpertBackend* const mtp_experts_;
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_ATTENTION_WORKER_ENGINE_RUNNER_H_
