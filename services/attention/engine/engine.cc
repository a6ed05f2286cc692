#include "services/attention/engine/engine.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "model/layers/mla.h"
#include "model/weights/network_weights.h"
#include "services/attention/engine/batch_scratch.h"
#include "services/attention/engine/forward_pass.h"
#include "services/attention/engine/step_plan.h"

namespace baleen {
namespace {

constexpr size_t kMicroBatchesMax = 2;

KvShape KvShapeOf(const ModelConfig& config, const EngineOptions& options) {
  const int64_t layers = config.num_hidden_layers + (options.mtp ? 1 : 0);
  return {static_cast<int>(layers), static_cast<int>(config.kv_width()), options.numerics.activations()};
}

}  // namespace

struct Engine::Impl {
  Impl(const ModelConfig& config, const EngineOptions& options, NetworkWeights weights, ThreadPool* pool)
      : config(config),
        options(options),
        weights(std::move(weights)),
        mla(MlaParamsOf(config, options.numerics)),
        kv_shape(KvShapeOf(config, options)),
        scratch(config, options.max_batch_tokens, options.numerics.activations(), options.mtp),
        network{this->config, this->weights, mla, options.numerics.activations(), pool} {}

  // The micro-batches of this step, by rows alone.
  std::vector<MicroBatch> Split(int64_t rows) const {
    const bool two = options.ping_pong_rows > 0 && rows >= options.ping_pong_rows && rows >= static_cast<int64_t>(kMicroBatchesMax);
    std::vector<MicroBatch> batches(two ? 2 : 1);
    batches.front().end = two ? rows / 2 : rows;
    batches.back().begin = two ? rows / 2 : 0;
    batches.back().end = rows;
    return batches;
  }

  absl::Status RunLayers(ForwardPass& pass, std::vector<MicroBatch>& batches, const StepOptions& step) {
    // Rows that only fill KV are done when the last layer's is written; Draft wants their outputs.
    const bool wants_outputs = !plan.logits_rows().empty() || weights.mtp.has_value();
    for (int layer = 0; layer < config.num_hidden_layers; ++layer) {
      pass.EnterLayer(layer);
      for (MicroBatch& batch : batches) {
        RETURN_IF_ERROR(pass.FinishExperts(batch));
        pass.WriteKv(layer, batch);
        if (step.on_layer_kv && &batch == &batches.back()) step.on_layer_kv(layer);
        if (layer == config.num_hidden_layers - 1 && !wants_outputs) continue;
        pass.Attend(layer, batch);
        pass.FeedForward(layer, batch);
      }
    }
    for (MicroBatch& batch : batches) RETURN_IF_ERROR(pass.FinishExperts(batch));
    return absl::OkStatus();
  }

  // The MTP layer's KV rows, its input left in the residual. `guesses` = the rows whose next token but one is asked for.
  absl::Status WriteDraftKv(absl::Span<const DraftStep> drafts, BlockPool& kv, ExpertBackend& experts, const StepOptions& options,
                            std::vector<int64_t>* guesses);
  absl::Status Guess(absl::Span<const DraftStep> drafts, const std::vector<int64_t>& rows, BlockPool& kv, ExpertBackend& experts,
                     const StepOptions& options, float* logits);

  ModelConfig config;
  EngineOptions options;
  NetworkWeights weights;
  MlaParams mla;
  KvShape kv_shape;
  BatchScratch scratch;
  StepPlan plan;
  ForwardPass::Network network;
};

Engine::Engine(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Engine::~Engine() = default;

absl::StatusOr<std::unique_ptr<Engine>> Engine::Load(Checkpoint& checkpoint, const ModelConfig& config, const EngineOptions& options,
                                                     ThreadPool* pool) {
  if (options.max_batch_tokens < 1) {
    return absl::InvalidArgumentError(absl::StrCat("max_batch_tokens is ", options.max_batch_tokens, ", at least 1 is needed"));
  }
  ASSIGN_OR_RETURN(NetworkWeights weights, NetworkWeights::Load(checkpoint, config, options.numerics, options.mtp, options.shared_weights));
  return std::unique_ptr<Engine>(new Engine(std::make_unique<Impl>(config, options, std::move(weights), pool)));
}

KvShape Engine::kv_shape() const { return impl_->kv_shape; }

const ModelConfig& Engine::config() const { return impl_->config; }

bool Engine::has_mtp() const { return impl_->weights.mtp.has_value(); }

// The layer's own rows need no attention: they are a projection of its input.
absl::Status Engine::Impl::WriteDraftKv(absl::Span<const DraftStep> drafts, BlockPool& kv, ExpertBackend& experts,
                                        const StepOptions& options, std::vector<int64_t>* guesses) {
  std::vector<SequenceStep> steps;
  std::vector<int64_t> hidden_rows;
  const int64_t step_rows = plan.rows();
  for (const DraftStep& draft : drafts) {
    const int64_t count = static_cast<int64_t>(draft.next_tokens.size());
    const int64_t least = hidden_rows.empty() ? 0 : hidden_rows.back() + 1;
    if (draft.first_row < least || draft.first_row > step_rows - count || (draft.logits && count == 0)) {
      return absl::InvalidArgumentError(absl::StrCat("a draft of rows ", draft.first_row, " .. +", count, " after a step of ", step_rows));
    }
    for (int64_t i = 0; i < count; ++i) hidden_rows.push_back(draft.first_row + i);
    if (draft.logits) guesses->push_back(static_cast<int64_t>(hidden_rows.size()) - 1);
    steps.push_back({draft.blocks, draft.first_position, draft.next_tokens, 0});
  }
  RETURN_IF_ERROR(plan.Build(steps, config, kv_shape, this->options.max_batch_tokens, kv));
  if (plan.rows() == 0) return absl::OkStatus();
  ForwardPass pass(network, plan, scratch, kv, experts, options.deadline);
  const int layer = static_cast<int>(config.num_hidden_layers);
  pass.EmbedNext(hidden_rows);
  pass.EnterLayer(layer);
  pass.WriteKv(layer, {.begin = 0, .end = plan.rows(), .pending = nullptr});
  if (options.on_layer_kv) options.on_layer_kv(layer);
  return absl::OkStatus();
}

absl::Status Engine::Impl::Guess(absl::Span<const DraftStep> drafts, const std::vector<int64_t>& rows, BlockPool& kv,
                                 ExpertBackend& experts, const StepOptions& options, float* logits) {
  const int64_t hidden = config.hidden_size;
  for (size_t i = 0; i < rows.size(); ++i) {
    std::copy_n(scratch.residual.get() + rows[i] * hidden, hidden, scratch.residual.get() + static_cast<int64_t>(i) * hidden);
  }
  std::vector<SequenceStep> steps;
  for (const DraftStep& draft : drafts) {
    if (!draft.logits) continue;
    const int64_t last = static_cast<int64_t>(draft.next_tokens.size()) - 1;
    steps.push_back({draft.blocks, draft.first_position + last, draft.next_tokens.subspan(static_cast<size_t>(last)), 1});
  }
  RETURN_IF_ERROR(plan.Build(steps, config, kv_shape, this->options.max_batch_tokens, kv));
  ForwardPass pass(network, plan, scratch, kv, experts, options.deadline);
  const int layer = static_cast<int>(config.num_hidden_layers);
  MicroBatch batch{.begin = 0, .end = plan.rows(), .pending = nullptr};
  pass.EnterLayer(layer);
  pass.WriteKv(layer, batch);
  pass.Attend(layer, batch);
  pass.FeedForward(layer, batch);
  RETURN_IF_ERROR(pass.FinishExperts(batch));
  pass.Logits(weights.mtp->head_norm, logits);
  return absl::OkStatus();
}

absl::Status Engine::Step(absl::Span<const SequenceStep> sequences, BlockPool& kv, ExpertBackend& experts, const StepOptions& options,
                          std::vector<float>* logits) {
  Impl& impl = *impl_;
  RETURN_IF_ERROR(impl.plan.Build(sequences, impl.config, impl.kv_shape, impl.options.max_batch_tokens, kv));
  logits->resize(impl.plan.logits_rows().size() * impl.config.vocab_size);
  if (impl.plan.rows() == 0) return absl::OkStatus();

  ForwardPass pass(impl.network, impl.plan, impl.scratch, kv, experts, options.deadline);
  std::vector<MicroBatch> batches = impl.Split(impl.plan.rows());
  pass.Embed();
  const absl::Status status = impl.RunLayers(pass, batches, options);
  if (!status.ok()) {
    // Replies may still be written into the scratch: none may be in flight when the next step begins.
    for (MicroBatch& batch : batches) {
      if (batch.pending != nullptr) batch.pending->Wait().IgnoreError();
    }
    return status;
  }
  if (!logits->empty()) pass.Logits(impl.weights.final_norm, logits->data());
  return absl::OkStatus();
}

absl::Status Engine::Draft(absl::Span<const DraftStep> drafts, BlockPool& kv, ExpertBackend& experts, const StepOptions& options,
                           std::vector<float>* logits) {
  Impl& impl = *impl_;
  if (!has_mtp()) return absl::FailedPreconditionError("the MTP layer is not loaded");
  logits->clear();
  std::vector<int64_t> guesses;
  RETURN_IF_ERROR(impl.WriteDraftKv(drafts, kv, experts, options, &guesses));
  if (guesses.empty()) return absl::OkStatus();
  logits->resize(guesses.size() * impl.config.vocab_size);
  return impl.Guess(drafts, guesses, kv, experts, options, logits->data());
}

}  // namespace baleen
