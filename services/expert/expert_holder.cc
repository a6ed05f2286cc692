#include "services/expert/expert_holder.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "services/common/log.h"

namespace baleen {

namespace {

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

ExpertHolder::ExpertHolder(const Checkpoint* checkpoint, const ModelConfig* config, ExpertLoader* loader, ExpertService* service)
    : checkpoint_(checkpoint),
      config_(config),
      loader_(loader),
      service_(service),
      ready_(absl::UnavailableError("no experts assigned yet")) {}

absl::Status ExpertHolder::Assign(const std::vector<v1::ExpertRange>& ranges) {
  {
    std::lock_guard lock(mu_);
    if (!ready_.ok() && !failing_) ready_ = absl::UnavailableError("assigned experts are being loaded");
  }
  const auto fail = [this](absl::Status status) {
    Log(LogLevel::kError, "experts_not_loaded", {{"error", std::string(status.message())}});
    std::lock_guard lock(mu_);
    failing_ = true;
    ready_ = status;
    return status;
  };
  absl::StatusOr<std::vector<ExpertId>> ids = IdsOf(ranges, *config_);
  if (!ids.ok()) return fail(ids.status());
  auto experts = loader_->Load(*ids);
  if (!experts.ok()) return fail(experts.status());
  Publish(*std::move(experts), ranges);
  return absl::OkStatus();
}

void ExpertHolder::Publish(std::shared_ptr<const HeldExperts> experts, const std::vector<v1::ExpertRange>& ranges) {
  const size_t count = experts->size();
  service_->SetExperts(std::move(experts));
  std::vector<TensorDigestEntry> digests = checkpoint_->Digests();
  service_->probe().ExpertsLoaded(count, checkpoint_->BytesRead());
  Log(LogLevel::kInfo, "experts_loaded",
      {{"experts", absl::StrCat(count)}, {"checkpoint_bytes_read", absl::StrCat(checkpoint_->BytesRead())}});
  std::lock_guard lock(mu_);
  loaded_ = ranges;
  digests_ = std::move(digests);
  failing_ = false;
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
