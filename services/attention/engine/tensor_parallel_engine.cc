#include "services/attention/engine/tensor_parallel_engine.h"

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "kernels/cuda/base/device.h"
#include "model/cuda/rank_group.h"
#include "services/attention/engine/cuda_engine.h"
#include "services/attention/engine/rank_threads.h"
#include "services/attention/engine/shared_experts.h"
#include "services/kv/cache/replicated_page_memory.h"

namespace baleen {
namespace {

absl::Status CheckOptions(const EngineOptions& options) {
  if (options.mtp) return absl::InvalidArgumentError("drafts (MTP) are computed by one GPU alone, not with tensor_parallel");
  if (options.device_experts != nullptr) return absl::InvalidArgumentError("experts beside the engine belong to one GPU alone");
  const int devices = cuda::DeviceCount();
  if (devices >= options.tensor_parallel) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat("tensor_parallel is ", options.tensor_parallel, ", and this process sees ", devices, " GPUs (CUDA_VISIBLE_DEVICES)"));
}

class TensorParallelEngine final : public Engine {
 public:
  TensorParallelEngine(const EngineOptions& options, std::unique_ptr<RankGroup> group)
      : options_(options), group_(std::move(group)), threads_(ranks()), experts_(ranks()), engines_(static_cast<size_t>(ranks())) {}

  absl::Status Load(Checkpoint& checkpoint, const ModelConfig& config) {
    return threads_.Run([&](int rank) -> absl::Status {
      const RankSlice slice = {rank, ranks()};
      ASSIGN_OR_RETURN(engines_[static_cast<size_t>(rank)], LoadCudaEngine(checkpoint, config, options_, group_.get(), slice));
      return absl::OkStatus();
    });
  }

  KvShape kv_shape() const override { return engines_[0]->kv_shape(); }
  const ModelConfig& config() const override { return engines_[0]->config(); }
  bool has_mtp() const override { return false; }
  std::unique_ptr<BlockPool> NewKvPool(int64_t budget_bytes) const override {
    return std::make_unique<BlockPool>(kv_shape(), NewReplicatedPageMemory(budget_bytes, ranks()));
  }

  absl::Status Step(absl::Span<const SequenceStep> sequences, BlockPool& kv, ExpertBackend& experts, const StepOptions& options,
                    std::vector<float>* logits) override {
    experts_.Begin(&experts);
    StepOptions others = options;  // Choices too: wrong ones end the step on all.
    others.on_layer_kv = nullptr;
    return threads_.Run([&](int rank) {
      Engine& engine = *engines_[static_cast<size_t>(rank)];
      const bool first = rank == 0;
      return Ended(engine.Step(sequences, kv, experts_.Of(rank), first ? options : others, first ? logits : nullptr));
    });
  }
  absl::Status Draft(absl::Span<const DraftStep> drafts, BlockPool& kv, ExpertBackend& experts, const StepOptions& options,
                     std::vector<float>* logits) override {
    return engines_[0]->Draft(drafts, kv, experts, options, logits);
  }

 private:
  int ranks() const { return options_.tensor_parallel; }

  // Lost experts and steps that are wrong end on all ranks at the same point. Any other error is one rank's own: the others would wait for
  // it.
  absl::Status Ended(const absl::Status& status) {
    if (status.ok() || absl::IsInvalidArgument(status) || experts_.failed()) return status;
    if (options_.on_device_failure) options_.on_device_failure(status);
    experts_.Abort(status);
    group_->Abort(status);
    return status;
  }

  const EngineOptions options_;
  const std::unique_ptr<RankGroup> group_;
  RankThreads threads_;
  SharedExperts experts_;
  std::vector<std::unique_ptr<Engine>> engines_;  // By rank; none where it could not be loaded.
};

}  // namespace

absl::StatusOr<std::unique_ptr<Engine>> LoadTensorParallelEngine(Checkpoint& checkpoint, const ModelConfig& config,
                                                                 const EngineOptions& options) {
  RETURN_IF_ERROR(CheckOptions(options));
  ASSIGN_OR_RETURN(std::unique_ptr<RankGroup> group, CreateRankGroup(options.tensor_parallel));
  auto engine = std::make_unique<TensorParallelEngine>(options, std::move(group));
  RETURN_IF_ERROR(engine->Load(checkpoint, config));
  return engine;
}

}  // namespace baleen
