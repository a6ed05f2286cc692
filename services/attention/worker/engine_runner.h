// The network as a StepRunner.
#ifndef BALEEN_SERVICES_ATTENTION_WORKER_ENGINE_RUNNER_H_
#define BALEEN_SERVICES_ATTENTION_WORKER_ENGINE_RUNNER_H_

#include <optional>
#include <vector>

#include "services/attention/worker/step_runner.h"

namespace baleen {

class Engine;
class ExpertBackend;
class SpanExporter;

class EngineRunner final : public StepRunner {
 public:
  // All outlive this. `mtp_experts` are the MTP layer's; null where no sequence decodes. Without `spans` nothing is traced.
  EngineRunner(Engine* engine, ExpertBackend* experts, ExpertBackend* mtp_experts = nullptr, SpanExporter* spans = nullptr)
      : engine_(engine), experts_(experts), mtp_experts_(mtp_experts), spans_(spans) {}

  int64_t vocab_size() const override;
  void TraceNextStep(const TraceContext& parent) override { traced_ = parent; }
  absl::Status Step(absl::Span<const SequenceStep> sequences, BlockPool& kv, absl::Time deadline,
                    const std::function<void(int layer)>& on_layer, TokenChoices* choices, std::vector<float>* logits) override;

  bool drafts() const override;
  absl::Status Draft(absl::Span<const DraftStep> drafts, BlockPool& kv, const std::function<void(int layer)>& on_layer,
                     TokenChoices* choices, std::vector<float>* logits) override;

 private:
  Engine* const engine_;
  ExpertBackend* const experts_;
  ExpertBackend* const mtp_experts_;
  SpanExporter* const spans_;
  std::optional<TraceContext> traced_;  // The next step's.
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_ATTENTION_WORKER_ENGINE_RUNNER_H_
