#include "services/attention/engine/cpu_engine.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "model/layers/mla.h"
#include "model/weights/network_weights.h"
#include "services/attention/engine/batch_scratch.h"
#include "services/attention/engine/draft_plan.h"
#include "services/attention/engine/forward_pass.h"
#include "services/attention/engine/step_plan.h"

namespace baleen {
namespace {

constexpr size_t kMicroBatchesMax = 2;

KvShape KvShapeOf(const ModelConfig& config, const EngineOptions& options) {
  const int64_t layers = config.num_hidden_layers + (options.mtp ? 1 : 0);
  return {static_cast<int>(layers), static_cast<int>(config.kv_width()), options.numerics.activations()};
}

class CpuEngine final : public Engine {
 public:
  CpuEngine(const ModelConfig& config, const EngineOptions& options, NetworkWeights weights, ThreadPool* pool)
      : config_(config),
        options_(options),
        weights_(std::move(weights)),
        mla_(MlaParamsOf(config, options.numerics)),
        kv_shape_(KvShapeOf(config, options)),
        scratch_(config, options.max_batch_tokens, options.numerics.activations(), options.mtp),
        network_{config_, weights_, mla_, options.numerics.activations(), pool} {}

  KvShape kv_shape() const override { return kv_shape_; }
  const ModelConfig& config() const override { return config_; }
  bool has_mtp() const override { return weights_.mtp.has_value(); }
  std::unique_ptr<BlockPool> NewKvPool(int64_t budget_bytes) const override { return std::make_unique<BlockPool>(kv_shape_, budget_bytes); }

  absl::Status Step(absl::Span<const SequenceStep> sequences, BlockPool& kv, ExpertBackend& experts, const StepOptions& options,
                    std::vector<float>* logits) override;
  absl::Status Draft(absl::Span<const DraftStep> drafts, BlockPool& kv, ExpertBackend& experts, const StepOptions& options,
                     std::vector<float>* logits) override;

 private:
  // The micro-batches of this step, by rows alone.
  std::vector<MicroBatch> Split(int64_t rows) const;
  absl::Status RunLayers(ForwardPass& pass, std::vector<MicroBatch>& batches, const StepOptions& step);
  // The MTP layer's KV rows, its input left in the residual.
  absl::Status WriteDraftKv(const DraftPlan& drafts, BlockPool& kv, ExpertBackend& experts, const StepOptions& options);
  absl::Status Guess(const DraftPlan& drafts, BlockPool& kv, ExpertBackend& experts, const StepOptions& options, float* logits);

  const ModelConfig config_;
  const EngineOptions options_;
  const NetworkWeights weights_;
  const MlaParams mla_;
  const KvShape kv_shape_;
  BatchScratch scratch_;
  StepPlan plan_;
  const ForwardPass::Network network_;
};

std::vector<MicroBatch> CpuEngine::Split(int64_t rows) const {
  const bool two = options_.ping_pong_rows > 0 && rows >= options_.ping_pong_rows && rows >= static_cast<int64_t>(kMicroBatchesMax);
  std::vector<MicroBatch> batches(two ? 2 : 1);
  batches.front().end = two ? rows / 2 : rows;
  batches.back().begin = two ? rows / 2 : 0;
  batches.back().end = rows;
  return batches;
}

absl::Status CpuEngine::RunLayers(ForwardPass& pass, std::vector<MicroBatch>& batches, const StepOptions& step) {
  // Rows that only fill KV are done when the last layer's is written; Draft wants their outputs.
  const bool wants_outputs = !plan_.logits_rows().empty() || has_mtp();
  for (int layer = 0; layer < config_.num_hidden_layers; ++layer) {
    pass.EnterLayer(layer);
    for (MicroBatch& batch : batches) {
      RETURN_IF_ERROR(pass.FinishExperts(batch));
      pass.WriteKv(layer, batch);
      if (step.on_layer_kv && &batch == &batches.back()) step.on_layer_kv(layer);
      if (layer == config_.num_hidden_layers - 1 && !wants_outputs) continue;
      pass.Attend(layer, batch);
      pass.FeedForward(layer, batch);
    }
  }
  for (MicroBatch& batch : batches) RETURN_IF_ERROR(pass.FinishExperts(batch));
  return absl::OkStatus();
}

// The layer's own rows need no attention: they are a projection of its input.
absl::Status CpuEngine::WriteDraftKv(const DraftPlan& drafts, BlockPool& kv, ExpertBackend& experts, const StepOptions& options) {
  RETURN_IF_ERROR(plan_.Build(drafts.steps, config_, kv_shape_, options_.max_batch_tokens, kv));
  if (plan_.rows() == 0) return absl::OkStatus();
  ForwardPass pass(network_, plan_, scratch_, kv, experts, options.deadline);
  const int layer = static_cast<int>(config_.num_hidden_layers);
  pass.EmbedNext(drafts.hidden_rows);
  pass.EnterLayer(layer);
  pass.WriteKv(layer, {.begin = 0, .end = plan_.rows(), .pending = nullptr});
  if (options.on_layer_kv) options.on_layer_kv(layer);
  return absl::OkStatus();
}

absl::Status CpuEngine::Guess(const DraftPlan& drafts, BlockPool& kv, ExpertBackend& experts, const StepOptions& options, float* logits) {
  const int64_t hidden = config_.hidden_size;
  for (size_t i = 0; i < drafts.guesses.size(); ++i) {
    std::copy_n(scratch_.residual.get() + drafts.guesses[i] * hidden, hidden, scratch_.residual.get() + static_cast<int64_t>(i) * hidden);
  }
  RETURN_IF_ERROR(plan_.Build(drafts.guess_steps, config_, kv_shape_, options_.max_batch_tokens, kv));
  ForwardPass pass(network_, plan_, scratch_, kv, experts, options.deadline);
  const int layer = static_cast<int>(config_.num_hidden_layers);
  MicroBatch batch{.begin = 0, .end = plan_.rows(), .pending = nullptr};
  pass.EnterLayer(layer);
  pass.WriteKv(layer, batch);
  pass.Attend(layer, batch);
  pass.FeedForward(layer, batch);
  RETURN_IF_ERROR(pass.FinishExperts(batch));
  pass.Logits(weights_.mtp->head_norm, logits);
  return absl::OkStatus();
}

absl::Status CpuEngine::Step(absl::Span<const SequenceStep> sequences, BlockPool& kv, ExpertBackend& experts, const StepOptions& options,
                             std::vector<float>* logits) {
  RETURN_IF_ERROR(plan_.Build(sequences, config_, kv_shape_, options_.max_batch_tokens, kv));
  logits->resize(plan_.logits_rows().size() * config_.vocab_size);
  if (plan_.rows() == 0) return absl::OkStatus();

  ForwardPass pass(network_, plan_, scratch_, kv, experts, options.deadline);
  std::vector<MicroBatch> batches = Split(plan_.rows());
  pass.Embed();
  const absl::Status status = RunLayers(pass, batches, options);
  if (!status.ok()) {
    // Replies may still be written into the scratch: none may be in flight when the next step begins.
    for (MicroBatch& batch : batches) {
      if (batch.pending != nullptr) batch.pending->Wait().IgnoreError();
    }
    return status;
  }
  if (!logits->empty()) pass.Logits(weights_.final_norm, logits->data());
  return absl::OkStatus();
}

absl::Status CpuEngine::Draft(absl::Span<const DraftStep> drafts, BlockPool& kv, ExpertBackend& experts, const StepOptions& options,
                              std::vector<float>* logits) {
  if (!has_mtp()) return absl::FailedPreconditionError("the MTP layer is not loaded");
  logits->clear();
  ASSIGN_OR_RETURN(const DraftPlan plan, PlanDrafts(drafts, plan_.rows()));
  RETURN_IF_ERROR(WriteDraftKv(plan, kv, experts, options));
  if (plan.guesses.empty()) return absl::OkStatus();
  logits->resize(plan.guesses.size() * config_.vocab_size);
  return Guess(plan, kv, experts, options, logits->data());
}

}  // namespace

absl::StatusOr<std::unique_ptr<Engine>> LoadCpuEngine(Checkpoint& checkpoint, const ModelConfig& config, const EngineOptions& options,
                                                      ThreadPool* pool) {
  ASSIGN_OR_RETURN(NetworkWeights weights, NetworkWeights::Load(checkpoint, config, options.numerics, options.mtp, options.shared_weights));
  return std::make_unique<CpuEngine>(config, options, std::move(weights), pool);
}

}  // namespace baleen
