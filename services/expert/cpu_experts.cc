#include "services/expert/cpu_experts.h"

#include <utility>

#include "base/status_macros.h"
#include "model/layers/expert_compute.h"

namespace baleen {
namespace {

class CpuExperts final : public HeldExperts {
 public:
  CpuExperts(std::shared_ptr<const ExpertWeights> weights, DType wire, ThreadPool* pool)
      : weights_(std::move(weights)), wire_(wire), pool_(pool) {}

  size_t size() const override { return weights_->Ids().size(); }
  bool Has(int layer, uint32_t expert) const override { return weights_->Has({layer, static_cast<int>(expert)}); }
  absl::Status Compute(int layer, absl::Span<const ExpertSlot> slots) const override {
    ComputeExperts(*weights_, layer, slots, wire_, pool_);
    return absl::OkStatus();
  }

 private:
  const std::shared_ptr<const ExpertWeights> weights_;
  const DType wire_;
  ThreadPool* const pool_;
};

}  // namespace

CpuExpertLoader::CpuExpertLoader(Checkpoint* checkpoint, const ModelConfig* config, const Numerics& numerics, ThreadPool* pool,
                                 SharedWeights* shared_weights)
    : checkpoint_(checkpoint), config_(config), numerics_(numerics), pool_(pool), shared_weights_(shared_weights) {}

absl::StatusOr<std::shared_ptr<const HeldExperts>> CpuExpertLoader::Load(const std::vector<ExpertId>& experts) {
  ASSIGN_OR_RETURN(held_, ExpertWeights::Load(*checkpoint_, *config_, experts, numerics_, held_.get(), shared_weights_));
  return std::make_shared<CpuExperts>(held_, numerics_.activations(), pool_);
}

}  // namespace baleen
