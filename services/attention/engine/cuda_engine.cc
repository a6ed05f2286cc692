#include "services/attention/engine/cuda_engine.h"

#include <algorithm>
#include <cstring>
#include <functional>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "kernels/cuda/base/device.h"
#include "kernels/cuda/mla/splits.h"
#include "model/cuda/device_experts.h"
#include "model/cuda/device_mla.h"
#include "model/cuda/device_network_weights.h"
#include "model/cuda/device_status.h"
#include "services/attention/engine/cuda_batch.h"
#include "services/attention/engine/cuda_choices.h"
#include "services/attention/engine/cuda_draft_rows.h"
#include "services/attention/engine/cuda_forward_pass.h"
#include "services/attention/engine/cuda_scratch.h"
#include "services/attention/engine/cuda_step_graphs.h"
#include "services/attention/engine/draft_plan.h"
#include "services/attention/engine/staged_experts.h"
#include "services/attention/engine/step_plan.h"
#include "services/kv/cache/device_page_memory.h"

namespace baleen {
namespace {

// Steps of more rows compute long enough for launches to hide behind.
constexpr int64_t kMostGraphRows = 128;

DeviceMlaParams MlaParams(const ModelConfig& config, const DeviceNetworkWeights& weights, DType compute) {
  DeviceMlaParams params;
  params.shape = weights.shape;
  params.scale = static_cast<float>(config.SoftmaxScale());
  params.latent_eps = static_cast<float>(config.latent_norm_eps());
  params.rope_frequencies = weights.rope_frequencies.As<float>();
  params.rope_magnitude = static_cast<float>(config.RopeMagnitude());
  params.compute = compute;
  return params;
}

absl::Status CheckDevice(const ModelConfig& config, const EngineOptions& options) {
  const bool emulated = options.numerics.device == Device::kCudaEmulated;
  if (emulated != cuda::DeviceIsEmulated()) {
    return absl::FailedPreconditionError(emulated ? "this build has CUDA, and no emulation of it"
                                                  : "this build has no CUDA ('make build CUDA=1' makes one that has)");
  }
  if (const std::string problem = cuda::DeviceProblem(); !problem.empty()) return absl::FailedPreconditionError(problem);
  if (config.n_routed_experts % 4 != 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("n_routed_experts is ", config.n_routed_experts, "; on a GPU it must be a multiple of 4"));
  }
  return absl::OkStatus();
}

absl::Status CheckChoices(const TokenChoices* choices, size_t rows) {
  if (choices == nullptr || choices->wanted.size() == rows) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("choices for ", choices->wanted.size(), " rows of logits, of which there are ", rows));
}

class CudaEngine final : public Engine {
 public:
  // What it allocates once.
  struct Parts {
    DeviceNetworkWeights weights;
    DeviceMlaParams mla;
    CudaScratch scratch;
    CudaBatch batch;
    StagedExperts staged;
    cuda::DeviceStream stream;
    CudaStepGraphs graphs;  // Unused in a group: NCCL's part in a graph has been tried nowhere.
    CudaChoices choices;
    std::optional<CudaDraftRows> drafts;  // With MTP.
  };

  CudaEngine(const ModelConfig& config, const EngineOptions& options, Parts parts)
      : config_(config), options_(options), parts_(std::move(parts)), network_{config_, parts_.weights, parts_.mla} {}

  KvShape kv_shape() const override {
    return {static_cast<int>(config_.num_hidden_layers) + (has_mtp() ? 1 : 0), static_cast<int>(config_.kv_width()), DType::kBf16};
  }
  const ModelConfig& config() const override { return config_; }
  bool has_mtp() const override { return parts_.weights.mtp.has_value(); }
  std::unique_ptr<BlockPool> NewKvPool(int64_t budget_bytes) const override {
    return std::make_unique<BlockPool>(kv_shape(), NewDevicePageMemory(budget_bytes));
  }

  absl::Status Step(absl::Span<const SequenceStep> sequences, BlockPool& kv, ExpertBackend& experts, const StepOptions& options,
                    std::vector<float>* logits) override;
  absl::Status Draft(absl::Span<const DraftStep> drafts, BlockPool& kv, ExpertBackend& experts, const StepOptions& options,
                     std::vector<float>* logits) override;

 private:
  // Null where they are elsewhere.
  DeviceExperts* ExpertsOf(int layer) const {
    return layer < config_.num_hidden_layers ? options_.device_experts : options_.mtp_device_experts;
  }
  bool OnDevice(int layer) const { return !config_.IsMoe(layer) || ExpertsOf(layer) != nullptr; }
  // Rows that only fill KV are done when the last layer's is written; Draft wants their outputs.
  bool wants_outputs() const { return logits_rows() > 0 || has_mtp(); }
  int64_t logits_rows() const { return static_cast<int64_t>(plan_.logits_rows().size()); }

  // Uploads the step. Returns its parts when they are to be recorded and replayed, else null: steps that decode, whose rows are filled up
  // to few sizes.
  absl::StatusOr<StepParts*> Begin(BlockPool& kv, const StepOptions& options);
  absl::Status Run(BlockPool& kv, ExpertBackend& experts, const StepOptions& options);
  // Layers [begin, end) whose feed-forward is on the device too, and of layer `end` all up to the rows' copy for its experts.
  absl::Status EnqueueLayers(CudaForwardPass& pass, int begin, int end, const StepOptions& options);
  absl::Status FeedForward(CudaForwardPass& pass, int layer);
  // Gate, and the copy of the rows for experts elsewhere.
  absl::Status Send(CudaForwardPass& pass, int layer);
  // Behind `rows` of logits: the choice of tokens, and copies of the rows that the host wants.
  absl::Status EnqueueResults(int64_t rows, TokenChoices* choices);
  // The results, once the work is over.
  void TakeResults(int64_t rows, TokenChoices* choices, std::vector<float>* logits) const;
  // Whatever went wrong, nothing reads or writes the step's memory any more when this returns.
  absl::Status Finish(const absl::Status& enqueued);
  // The MTP layer's KV rows, its input left in the residual.
  absl::Status WriteDraftKv(const DraftPlan& drafts, BlockPool& kv, const StepOptions& options);
  absl::Status Guess(const DraftPlan& drafts, BlockPool& kv, ExpertBackend& experts, const StepOptions& options);

  const ModelConfig config_;
  const EngineOptions options_;
  Parts parts_;
  const CudaForwardPass::Network network_;
  StepPlan plan_;
};

absl::StatusOr<StepParts*> CudaEngine::Begin(BlockPool& kv, const StepOptions& options) {
  const cuda::Stream stream = parts_.stream.get();
  const bool alone = parts_.scratch.group == nullptr;
  const bool replay = alone && plan_.rows() <= kMostGraphRows && logits_rows() == plan_.rows() && !options.on_layer_kv;
  const int64_t rows = replay ? CudaStepGraphs::PaddedRows(plan_.rows(), options_.max_batch_tokens) : plan_.rows();
  RETURN_IF_ERROR(parts_.staged.Begin(plan_.rows(), rows, stream));
  RETURN_IF_ERROR(parts_.scratch.Begin(rows, replay ? rows : logits_rows(), stream));
  RETURN_IF_ERROR(parts_.batch.Upload(plan_, kv, rows, stream));
  if (!replay) return nullptr;
  const int splits = cuda::SplitsOf(parts_.batch.largest_position());
  parts_.batch.SetLargestPosition(int64_t{splits} * cuda::kSplitKeys - 1);
  // Either of them only grows.
  const int64_t generation = parts_.batch.generation() + parts_.scratch.generation;
  return &parts_.graphs.Begin({rows, splits, kv.memory().data(), kv.total_blocks(), generation});
}

absl::Status CudaEngine::FeedForward(CudaForwardPass& pass, int layer) {
  if (!config_.IsMoe(layer)) return pass.Mlp(layer);
  RETURN_IF_ERROR(pass.Gate(layer));
  const DeviceExperts::Batch batch = {layer, parts_.batch.rows(), parts_.scratch.normed.values(), parts_.scratch.expert_ids.As<int32_t>()};
  DeviceExperts::Outputs outputs;
  RETURN_IF_ERROR(FromDevice(ExpertsOf(layer)->Enqueue(batch, parts_.stream.get(), &outputs)));
  RETURN_IF_ERROR(pass.Shared(layer));
  return pass.Combine(layer, {outputs.y, outputs.slots});
}

absl::Status CudaEngine::EnqueueLayers(CudaForwardPass& pass, int begin, int end, const StepOptions& options) {
  const int layers = static_cast<int>(config_.num_hidden_layers);
  for (int layer = begin; layer < std::min(end + 1, layers); ++layer) {
    RETURN_IF_ERROR(pass.WriteKv(layer));
    if (options.on_layer_kv) {
      RETURN_IF_ERROR(FromDevice(parts_.stream.Synchronize()));
      options.on_layer_kv(layer);
    }
    if (layer == layers - 1 && !wants_outputs()) return absl::OkStatus();
    RETURN_IF_ERROR(pass.Attend(layer));
    if (layer < end) RETURN_IF_ERROR(FeedForward(pass, layer));
  }
  if (end == layers) {
    if (wants_outputs()) RETURN_IF_ERROR(pass.FinalNorm(layers - 1));
    return logits_rows() == 0 ? absl::OkStatus() : pass.Logits(logits_rows() + parts_.batch.rows() - plan_.rows());
  }
  return Send(pass, end);
}

absl::Status CudaEngine::Send(CudaForwardPass& pass, int layer) {
  RETURN_IF_ERROR(pass.Gate(layer));
  return parts_.staged.Fetch(parts_.scratch.normed.values(), parts_.scratch.expert_ids.As<int32_t>(), parts_.batch.rows(),
                             parts_.stream.get());
}

absl::Status CudaEngine::Run(BlockPool& kv, ExpertBackend& experts, const StepOptions& options) {
  const cuda::Stream stream = parts_.stream.get();
  const int layers = static_cast<int>(config_.num_hidden_layers);
  ASSIGN_OR_RETURN(StepParts* const parts, Begin(kv, options));
  const auto run = [&](const std::function<absl::Status()>& enqueue) { return parts != nullptr ? parts->Run(stream, enqueue) : enqueue(); };
  CudaForwardPass pass(network_, parts_.batch, parts_.scratch, kv, stream);
  for (int begin = 0; begin <= layers;) {
    int end = begin;
    while (end < layers && OnDevice(end)) ++end;
    RETURN_IF_ERROR(run([&] {
      RETURN_IF_ERROR(begin == 0 ? pass.Embed() : pass.Combine(begin - 1, {parts_.staged.y(), parts_.staged.slots()}));
      return EnqueueLayers(pass, begin, end, options);
    }));
    if (end == layers || (end == layers - 1 && !wants_outputs())) break;
    RETURN_IF_ERROR(parts_.staged.Mark(stream));
    // The shared expert is computed while the routed rows are away.
    RETURN_IF_ERROR(run([&] { return pass.Shared(end); }));
    RETURN_IF_ERROR(parts_.staged.Exchange(experts, end, options.deadline, stream));
    begin = end + 1;
  }
  return EnqueueResults(logits_rows(), options.choices);
}

absl::Status CudaEngine::EnqueueResults(int64_t rows, TokenChoices* choices) {
  const CudaScratch& scratch = parts_.scratch;
  if (scratch.slice.rank != 0) return absl::OkStatus();
  const float* const logits = scratch.logits.As<float>();
  if (choices != nullptr && rows > 0) {
    RETURN_IF_ERROR(parts_.choices.Enqueue(logits, scratch.logits_stride, scratch.vocab_size, choices, parts_.stream.get()));
  }
  const auto wanted = [choices](int64_t row) { return choices == nullptr || !choices->Chose(static_cast<size_t>(row)); };
  const size_t row_bytes = static_cast<size_t>(scratch.vocab_size) * sizeof(float);
  for (int64_t begin = 0, end = 0; begin < rows; begin = end + 1) {
    for (end = begin; end < rows && wanted(end);) ++end;
    if (end == begin) continue;
    RETURN_IF_ERROR(FromDevice(cuda::CopyRowsAsync(
        scratch.logits_host.As<float>() + begin * scratch.vocab_size, row_bytes, logits + begin * scratch.logits_stride,
        static_cast<size_t>(scratch.logits_stride) * sizeof(float), row_bytes, static_cast<size_t>(end - begin), parts_.stream.get())));
  }
  return absl::OkStatus();
}

void CudaEngine::TakeResults(int64_t rows, TokenChoices* choices, std::vector<float>* logits) const {
  const size_t vocab = static_cast<size_t>(config_.vocab_size);
  const float* const host = parts_.scratch.logits_host.As<float>();
  for (size_t row = 0; row < static_cast<size_t>(rows); ++row) {
    if (choices != nullptr && choices->Chose(row)) continue;
    std::memcpy(logits->data() + row * vocab, host + row * vocab, vocab * sizeof(float));
  }
  if (choices != nullptr) parts_.choices.Take(choices);
}

absl::Status CudaEngine::Step(absl::Span<const SequenceStep> sequences, BlockPool& kv, ExpertBackend& experts, const StepOptions& options,
                              std::vector<float>* logits) {
  RETURN_IF_ERROR(plan_.Build(sequences, config_, kv_shape(), options_.max_batch_tokens, kv));
  RETURN_IF_ERROR(CheckChoices(options.choices, plan_.logits_rows().size()));
  if (logits != nullptr) logits->resize(plan_.logits_rows().size() * static_cast<size_t>(config_.vocab_size));
  if (plan_.rows() == 0) return absl::OkStatus();
  RETURN_IF_ERROR(Finish(Run(kv, experts, options)));
  if (logits != nullptr) TakeResults(logits_rows(), options.choices, logits);
  return absl::OkStatus();
}

absl::Status CudaEngine::Finish(const absl::Status& enqueued) {
  const absl::Status done = FromDevice(parts_.stream.Synchronize());
  // What a launcher refused it would refuse in every step like this one. Lost experts say nothing about the device.
  const bool refused = absl::IsInternal(enqueued) && !parts_.staged.lost();
  if ((!done.ok() || refused) && options_.on_device_failure) options_.on_device_failure(done.ok() ? enqueued : done);
  RETURN_IF_ERROR(enqueued);
  return done;
}

// The layer's own rows need no attention: they are a projection of its input.
absl::Status CudaEngine::WriteDraftKv(const DraftPlan& drafts, BlockPool& kv, const StepOptions& options) {
  const cuda::Stream stream = parts_.stream.get();
  const int layer = static_cast<int>(config_.num_hidden_layers);
  RETURN_IF_ERROR(parts_.drafts->Take(drafts.hidden_rows, plan_.rows(), parts_.scratch, stream));
  RETURN_IF_ERROR(plan_.Build(drafts.steps, config_, kv_shape(), options_.max_batch_tokens, kv));
  if (plan_.rows() == 0) return absl::OkStatus();
  RETURN_IF_ERROR(parts_.batch.Upload(plan_, kv, plan_.rows(), stream));
  CudaForwardPass pass(network_, parts_.batch, parts_.scratch, kv, stream);
  RETURN_IF_ERROR(pass.Embed());
  RETURN_IF_ERROR(parts_.drafts->Project(*parts_.weights.mtp, static_cast<float>(config_.rms_norm_eps), parts_.scratch, stream));
  RETURN_IF_ERROR(pass.WriteKv(layer));
  RETURN_IF_ERROR(FromDevice(parts_.stream.Synchronize()));
  if (options.on_layer_kv) options.on_layer_kv(layer);
  return absl::OkStatus();
}

absl::Status CudaEngine::Guess(const DraftPlan& drafts, BlockPool& kv, ExpertBackend& experts, const StepOptions& options) {
  const cuda::Stream stream = parts_.stream.get();
  const int layer = static_cast<int>(config_.num_hidden_layers);
  const int64_t rows = static_cast<int64_t>(drafts.guesses.size());
  RETURN_IF_ERROR(parts_.drafts->Pick(drafts.guesses, parts_.scratch, stream));
  RETURN_IF_ERROR(plan_.Build(drafts.guess_steps, config_, kv_shape(), options_.max_batch_tokens, kv));
  RETURN_IF_ERROR(parts_.scratch.Begin(rows, rows, stream));
  RETURN_IF_ERROR(parts_.batch.Upload(plan_, kv, rows, stream));
  RETURN_IF_ERROR(parts_.staged.Begin(rows, rows, stream));
  CudaForwardPass pass(network_, parts_.batch, parts_.scratch, kv, stream);
  RETURN_IF_ERROR(pass.WriteKv(layer));
  RETURN_IF_ERROR(pass.Attend(layer));
  if (OnDevice(layer)) {
    RETURN_IF_ERROR(FeedForward(pass, layer));
  } else {
    RETURN_IF_ERROR(Send(pass, layer));
    RETURN_IF_ERROR(parts_.staged.Mark(stream));
    RETURN_IF_ERROR(pass.Shared(layer));
    RETURN_IF_ERROR(parts_.staged.Exchange(experts, layer, options.deadline, stream));
    RETURN_IF_ERROR(pass.Combine(layer, {parts_.staged.y(), parts_.staged.slots()}));
  }
  RETURN_IF_ERROR(pass.FinalNorm(layer));
  RETURN_IF_ERROR(pass.Logits(rows));
  return EnqueueResults(rows, options.choices);
}

absl::Status CudaEngine::Draft(absl::Span<const DraftStep> drafts, BlockPool& kv, ExpertBackend& experts, const StepOptions& options,
                               std::vector<float>* logits) {
  if (!has_mtp()) return absl::FailedPreconditionError("the MTP layer is not loaded");
  logits->clear();
  ASSIGN_OR_RETURN(const DraftPlan plan, PlanDrafts(drafts, plan_.rows()));
  RETURN_IF_ERROR(CheckChoices(options.choices, plan.guesses.size()));
  RETURN_IF_ERROR(Finish(WriteDraftKv(plan, kv, options)));
  if (plan.guesses.empty()) return absl::OkStatus();
  RETURN_IF_ERROR(Finish(Guess(plan, kv, experts, options)));
  logits->resize(plan.guesses.size() * static_cast<size_t>(config_.vocab_size));
  TakeResults(static_cast<int64_t>(plan.guesses.size()), options.choices, logits);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<Engine>> LoadCudaEngine(Checkpoint& checkpoint, const ModelConfig& config, const EngineOptions& options,
                                                       RankGroup* group, RankSlice slice) {
  RETURN_IF_ERROR(CheckDevice(config, options));
  const DType compute = options.numerics.compute;
  ASSIGN_OR_RETURN(DeviceNetworkWeights weights, DeviceNetworkWeights::Load(checkpoint, config, compute, options.mtp, slice));
  const DeviceMlaParams mla = MlaParams(config, weights, compute);
  ASSIGN_OR_RETURN(CudaScratch scratch, CudaScratch::Allocate(config, mla, options.max_batch_tokens, group));
  ASSIGN_OR_RETURN(CudaBatch batch, CudaBatch::Allocate(options.max_batch_tokens, slice.rank));
  ASSIGN_OR_RETURN(StagedExperts staged,
                   StagedExperts::Allocate(options.max_batch_tokens, config.hidden_size, std::max<int64_t>(config.num_experts_per_tok, 1)));
  std::optional<CudaDraftRows> drafts;
  if (options.mtp) {
    ASSIGN_OR_RETURN(drafts, CudaDraftRows::Allocate(options.max_batch_tokens, config.hidden_size));
  }
  ASSIGN_OR_RETURN(CudaChoices choices, CudaChoices::Allocate(options.max_batch_tokens));
  cuda::DeviceStream stream;
  RETURN_IF_ERROR(FromDevice(cuda::DeviceStream::Create(&stream)));
  RETURN_IF_ERROR(FromDevice(cuda::SynchronizeDevice()));
  return std::make_unique<CudaEngine>(config, options,
                                      CudaEngine::Parts{std::move(weights),
                                                        mla,
                                                        std::move(scratch),
                                                        std::move(batch),
                                                        std::move(staged),
                                                        std::move(stream),
                                                        {},
                                                        std::move(choices),
                                                        std::move(drafts)});
}

}  // namespace baleen
