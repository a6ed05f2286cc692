#include "services/expert/expert_holder.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "model/layers/expert_compute.h"
#include "services/common/log.h"

namespace baleen {

namespace {

class LoadedExperts final : public HeldExperts {
 public:
  LoadedExperts(std::shared_ptr<const ExpertWeights> weights, DType wire, ThreadPool* pool)
      : weights_(std::move(weights)), wire_(wire), pool_(pool) {}

  bool Has(int layer, uint32_t expert) const override { return weights_->Has({layer, static_cast<int>(expert)}); }
  void Compute(int layer, absl::Span<const ExpertSlot> slots) const override { ComputeExperts(*weights_, layer, slots, wire_, pool_); }

 private:
  const std::shared_ptr<const ExpertWeights> weights_;
  const DType wire_;
  ThreadPool* const pool_;
};

// Ids beyond the model's are refused before anything is allocated by them.
absl::StatusOr<std::vector<ExpertId>> IdsOf(const std::vector<v1::ExpertRange>& ranges, const ModelConfig& config) {
  std::vector<ExpertId> ids;
  for (const v1::ExpertRange& range : ranges) {
    for (const uint32_t expert : range.experts()) {
      if (range.layer() >= config.num_hidden_layers || expert >= config.n_routed_experts) {
        return absl::InvalidArgumentError(absl::StrCat("assigned layer ", range.layer(), " expert ", expert, " is not in the model"));
      }
      ids.push_back({static_cast<int>(range.layer()), static_cast<int>(expert)});
    }
  }
  return ids;
}

}  // namespace

ExpertHolder::ExpertHolder(Checkpoint* checkpoint, const ModelConfig* config, const Numerics& numerics, ThreadPool* pool,
                           ExpertService* service, SharedWeights* shared_weights)
    : checkpoint_(checkpoint),
      config_(config),
      numerics_(numerics),
      pool_(pool),
      service_(service),
      shared_weights_(shared_weights),
      ready_(absl::UnavailableError("no experts assigned yet")) {}

absl::Status ExpertHolder::Assign(const std::vector<v1::ExpertRange>& ranges) {
  std::shared_ptr<const ExpertWeights> held;
  {
    std::lock_guard lock(mu_);
    held = weights_;
    if (!ready_.ok()) ready_ = absl::UnavailableError("assigned experts are being loaded");
  }
  const auto fail = [this](absl::Status status) {
    Log(LogLevel::kError, "experts_not_loaded", {{"error", std::string(status.message())}});
    std::lock_guard lock(mu_);
    ready_ = status;
    return status;
  };
  absl::StatusOr<std::vector<ExpertId>> ids = IdsOf(ranges, *config_);
  if (!ids.ok()) return fail(ids.status());
  auto weights = ExpertWeights::Load(*checkpoint_, *config_, *ids, numerics_, held.get(), shared_weights_);
  if (!weights.ok()) return fail(weights.status());
  Publish(*std::move(weights), ranges);
  return absl::OkStatus();
}

void ExpertHolder::Publish(std::shared_ptr<const ExpertWeights> weights, const std::vector<v1::ExpertRange>& ranges) {
  const size_t count = weights->Ids().size();
  service_->SetExperts(std::make_shared<LoadedExperts>(weights, numerics_.activations(), pool_));
  std::vector<TensorDigestEntry> digests = checkpoint_->Digests();
  service_->probe().ExpertsLoaded(count, checkpoint_->BytesRead());
  Log(LogLevel::kInfo, "experts_loaded",
      {{"experts", absl::StrCat(count)}, {"checkpoint_bytes_read", absl::StrCat(checkpoint_->BytesRead())}});
  std::lock_guard lock(mu_);
  weights_ = std::move(weights);
  loaded_ = ranges;
  digests_ = std::move(digests);
  ready_ = count > 0 ? absl::OkStatus() : absl::UnavailableError("no experts assigned");
}

void ExpertHolder::Report(v1::HeartbeatRequest* heartbeat) const {
  std::lock_guard lock(mu_);
  heartbeat->mutable_loaded()->Add(loaded_.begin(), loaded_.end());
  for (const TensorDigestEntry& entry : digests_) {
    v1::TensorDigest* digest = heartbeat->add_digests();
    digest->set_name(entry.name);
    digest->set_digest(entry.digest);
  }
}

absl::Status ExpertHolder::Ready() const {
  std::lock_guard lock(mu_);
  return ready_;
}

}  // namespace baleen
