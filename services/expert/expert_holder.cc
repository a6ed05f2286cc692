#include "services/expert/expert_holder.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/clock.h"
#include "services/common/log.h"

namespace baleen {

namespace {

// Of which those that are under way when experts are swapped end well before.
constexpr int kLongestComputationMs = 10'000;

// Computations end with the experts that they began with; the last of them would free these, tens of GB of pages, while calls wait.
void AwaitComputations(const std::shared_ptr<const HeldExperts>& experts) {
  for (int ms = 0; experts.use_count() > 1 && ms < kLongestComputationMs; ++ms) Clock::Real()->Sleep(absl::Milliseconds(1));
}

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

std::vector<v1::ExpertRange> RangesOf(std::vector<ExpertId> ids) {
  std::sort(ids.begin(), ids.end());
  std::vector<v1::ExpertRange> ranges;
  for (const ExpertId id : ids) {
    const auto layer = static_cast<uint32_t>(id.layer);
    if (ranges.empty() || ranges.back().layer() != layer) ranges.emplace_back().set_layer(layer);
    ranges.back().add_experts(static_cast<uint32_t>(id.expert));
  }
  return ranges;
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
  const absl::Status status = LoadAndPublish(ranges);
  std::lock_guard lock(mu_);
  failing_ = !status.ok();
  ready_ = status;
  if (status.ok() && held_->size() == 0) ready_ = absl::UnavailableError("no experts assigned");
  return status;
}

absl::Status ExpertHolder::LoadAndPublish(const std::vector<v1::ExpertRange>& ranges) {
  const absl::StatusOr<std::vector<ExpertId>> ids = IdsOf(ranges, *config_);
  absl::Status status = ids.status();
  Loaded loaded;
  std::vector<ExpertId> missing;
  if (ids.ok()) {
    for (const ExpertId id : *ids) {
      const bool held = held_ != nullptr && held_->Has(id.layer, static_cast<uint32_t>(id.expert));
      (held ? loaded.ids : missing).push_back(id);
    }
    status = Load(missing, &loaded);
    // What is assigned no more goes all the same: it may take the room that was missing.
    if (loaded.experts == nullptr && held_ != nullptr && held_->size() > loaded.ids.size()) status.Update(Load({}, &loaded));
  }
  if (!status.ok()) Log(LogLevel::kError, "experts_not_loaded", {{"error", std::string(status.message())}});
  if (loaded.experts != nullptr) Publish(std::move(loaded));
  return status;
}

absl::Status ExpertHolder::Load(absl::Span<const ExpertId> missing, Loaded* loaded) {
  std::vector<ExpertId> ids = loaded->ids;
  ids.insert(ids.end(), missing.begin(), missing.end());
  absl::StatusOr<std::shared_ptr<const HeldExperts>> experts = loader_->Load(ids);
  if (experts.ok()) {
    *loaded = {std::move(ids), *std::move(experts)};
    return absl::OkStatus();
  }
  if (missing.empty()) return experts.status();
  if (missing.size() == 1) {
    return absl::Status(experts.status().code(), absl::StrCat("layer ", missing[0].layer, " expert ", missing[0].expert, ": ",
                                                              std::string(experts.status().message())));
  }
  absl::Status status = Load(missing.first(missing.size() / 2), loaded);
  status.Update(Load(missing.subspan(missing.size() / 2), loaded));
  return status;
}

void ExpertHolder::Publish(Loaded loaded) {
  const std::shared_ptr<const HeldExperts> before = std::exchange(held_, std::move(loaded.experts));
  service_->SetExperts(held_);
  std::vector<TensorDigestEntry> digests = checkpoint_->Digests();
  service_->probe().ExpertsLoaded(held_->size(), checkpoint_->BytesRead());
  Log(LogLevel::kInfo, "experts_loaded",
      {{"experts", absl::StrCat(held_->size())}, {"checkpoint_bytes_read", absl::StrCat(checkpoint_->BytesRead())}});
  {
    std::lock_guard lock(mu_);
    loaded_ = RangesOf(std::move(loaded.ids));
    unreported_ = std::move(digests);
  }
  AwaitComputations(before);
}

void ExpertHolder::Report(v1::HeartbeatRequest* heartbeat) {
  std::vector<TensorDigestEntry> digests;
  {
    std::lock_guard lock(mu_);
    heartbeat->mutable_loaded()->Add(loaded_.begin(), loaded_.end());
    digests.swap(unreported_);
  }
  for (TensorDigestEntry& entry : digests) {
    v1::TensorDigest* digest = heartbeat->add_digests();
    digest->set_name(std::move(entry.name));
    digest->set_digest(entry.digest);
  }
}

absl::Status ExpertHolder::Ready() const {
  std::lock_guard lock(mu_);
  return ready_;
}

}  // namespace baleen
