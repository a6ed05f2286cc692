#include "services/attention/engine/engine.h"

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

KvShape KvShapeOf(const ModelConfig& config, const Numerics& numerics) {
  return {static_cast<int>(config.num_hidden_layers), static_cast<int>(config.kv_width()), numerics.compute};
}

}  // namespace

struct Engine::Impl {
  Impl(const ModelConfig& config, const EngineOptions& options, NetworkWeights weights, ThreadPool* pool)
      : config(config),
        options(options),
        weights(std::move(weights)),
        mla(MlaParamsOf(config, options.numerics)),
        kv_shape(KvShapeOf(config, options.numerics)),
        scratch(config, options.max_batch_tokens),
        network{this->config, this->weights, mla, options.numerics.compute, pool} {}

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
    for (int layer = 0; layer < kv_shape.layers; ++layer) {
      pass.EnterLayer(layer);
      for (MicroBatch& batch : batches) {
        RETURN_IF_ERROR(pass.FinishExperts(batch));
        pass.WriteKv(layer, batch);
        if (step.on_layer_kv && &batch == &batches.back()) step.on_layer_kv(layer);
        pass.Attend(layer, batch);
        pass.FeedForward(layer, batch);
      }
    }
    for (MicroBatch& batch : batches) RETURN_IF_ERROR(pass.FinishExperts(batch));
    return absl::OkStatus();
  }

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
  ASSIGN_OR_RETURN(NetworkWeights weights, NetworkWeights::Load(checkpoint, config, options.numerics));
  return std::unique_ptr<Engine>(new Engine(std::make_unique<Impl>(config, options, std::move(weights), pool)));
}

KvShape Engine::kv_shape() const { return impl_->kv_shape; }

const ModelConfig& Engine::config() const { return impl_->config; }

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
  if (!logits->empty()) pass.Logits(logits->data());
  return absl::OkStatus();
}

}  // namespace baleen
