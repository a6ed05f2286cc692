#include "services/attention/worker/engine_runner.h"

#include <utility>

#include "base/clock.h"
#include "model/layers/expert_backend.h"
#include "services/attention/engine/engine.h"
#include "services/attention/trace/layer_trace.h"

namespace baleen {

int64_t EngineRunner::vocab_size() const { return engine_->config().vocab_size; }

absl::Status EngineRunner::Step(absl::Span<const SequenceStep> sequences, BlockPool& kv, absl::Time deadline,
                                const std::function<void(int layer)>& on_layer, TokenChoices* choices, std::vector<float>* logits) {
  const std::optional<TraceContext> traced = std::exchange(traced_, std::nullopt);
  StepOptions options = {.deadline = deadline, .on_layer_kv = on_layer, .choices = choices};
  if (!traced || spans_ == nullptr) return engine_->Step(sequences, kv, *experts_, options, logits);
  LayerTrace layers(spans_, *traced, experts_, Clock::Real());
  options.on_layer_kv = layers.OnLayerKv(on_layer);
  return engine_->Step(sequences, kv, layers, options, logits);
}

bool EngineRunner::drafts() const { return engine_->has_mtp(); }

absl::Status EngineRunner::Draft(absl::Span<const DraftStep> drafts, BlockPool& kv, const std::function<void(int layer)>& on_layer,
                                 TokenChoices* choices, std::vector<float>* logits) {
  ExpertBackend* const experts = mtp_experts_ != nullptr ? mtp_experts_ : experts_;
  return engine_->Draft(drafts, kv, *experts, {.deadline = absl::InfiniteFuture(), .on_layer_kv = on_layer, .choices = choices}, logits);
}

}  // namespace baleen
