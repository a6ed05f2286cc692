#include "services/placement/cluster_state.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"

namespace baleen {
namespace {

bool Decodes(const WorkerDescription& worker) { return worker.role == WorkerRole::kDecode || worker.role == WorkerRole::kPrefillAndDecode; }

}  // namespace

void ClusterState::Resume(uint64_t epoch, std::map<std::string, Holdings> targets, absl::Time now) {
  epoch_ = epoch;
  assignments_.Remember(std::move(targets));
  if (epoch > 0) Hold(now);
}

absl::Status ClusterState::Register(const WorkerDescription& worker, uint64_t epoch_seen, const Holdings& loaded, absl::Time now) {
  RETURN_IF_ERROR(CheckOwner(worker.id, worker.owner));
  if (epoch_seen > kMaxEpochSeen) return absl::InvalidArgumentError(absl::StrCat("epoch_seen ", epoch_seen, " is above ", kMaxEpochSeen));
  const bool is_new = !workers_.contains(worker.id);
  if (is_new && workers_.size() >= kMaxWorkers) return absl::ResourceExhaustedError(absl::StrCat("more than ", kMaxWorkers, " workers"));
  const bool is_shard = worker.role == WorkerRole::kExpert;
  if (is_shard) RETURN_IF_ERROR(assignments_.CheckShape(worker.shape));
  if (epoch_seen > epoch_) {
    epoch_ = epoch_seen;
    Hold(now);
  }
  Entry& entry = workers_[worker.id];
  entry.mapped.description = worker;
  entry.mapped.ready = false;
  entry.last_seen = now;
  if (is_shard && entry.mapped.refused.ok()) {
    assignments_.Join(worker.id, worker.shape, worker.numerics_id, worker.failure_domain, loaded, now);
  }
  TakeAnnounced();
  Changed();
  return absl::OkStatus();
}

absl::Status ClusterState::CheckOwner(const std::string& id, const std::string& caller) const {
  const auto it = workers_.find(id);
  if (it == workers_.end() || it->second.mapped.description.owner == caller) return absl::OkStatus();
  return absl::PermissionDeniedError(absl::StrCat("worker ", id, " was registered with another certificate than this one"));
}

absl::Status ClusterState::Report(const std::string& id, const WorkerReport& report, absl::Time now) {
  const auto it = workers_.find(id);
  if (it == workers_.end()) return absl::NotFoundError(absl::StrCat("worker ", id, " is not registered"));
  Entry& entry = it->second;
  entry.last_seen = now;
  entry.rows = report.rows;
  entry.attention = report.attention;
  MappedWorker& mapped = entry.mapped;
  const bool was_ready = mapped.ready, was_draining = mapped.draining;
  if (mapped.refused.ok()) mapped.refused = digests_.Record(id, mapped.description.model_id, report.digests);
  mapped.ready = mapped.refused.ok() && report.ready;
  mapped.draining = report.draining;
  if (mapped.refused.ok()) {
    assignments_.Report(id, report.loaded, report.draining, now);
    assignments_.CountRows(id, report.rows);
  } else {
    assignments_.Leave(id, now);
  }
  const bool announced = TakeAnnounced();
  const bool load_moved = mapped.load != report.load;
  mapped.load = report.load;
  if (announced || mapped.ready != was_ready || mapped.draining != was_draining) {
    Changed();
  } else if (load_moved) {
    dirty_ = true;  // Load moves all the time; the next tick publishes everybody's at once.
  }
  return mapped.refused;
}

bool ClusterState::Remove(const std::string& id, absl::Time now) {
  const auto it = workers_.find(id);
  if (it == workers_.end()) return false;
  Erase(it, now);
  TakeAnnounced();
  Changed();
  return true;
}

absl::Status ClusterState::Drain(const std::string& id) {
  const auto it = workers_.find(id);
  if (it == workers_.end()) return absl::NotFoundError(absl::StrCat("there is no worker ", id));
  Entry& entry = it->second;
  if (!entry.leaving()) RETURN_IF_ERROR(CheckSpared(entry));
  entry.drain_wanted = true;
  return absl::OkStatus();
}

absl::Status ClusterState::CheckSpared(const Entry& entry) const {
  const WorkerDescription& worker = entry.mapped.description;
  const bool is_shard = worker.role == WorkerRole::kExpert && entry.mapped.refused.ok();
  if (!is_shard && !Decodes(worker)) return absl::OkStatus();
  if (hold_until_) return absl::UnavailableError("placement has just started and does not know all workers yet");
  if (is_shard) return CheckShardSpared(worker);
  const bool another = std::any_of(workers_.begin(), workers_.end(), [&](const auto& other) {
    return other.first != worker.id && Decodes(other.second.mapped.description) && other.second.mapped.ready && !other.second.leaving();
  });
  if (another) return absl::OkStatus();
  return absl::FailedPreconditionError(
      absl::StrCat(worker.id, ": no other decode worker is ready, and requests need one; start another first"));
}

absl::Status ClusterState::CheckShardSpared(const WorkerDescription& shard) const {
  uint32_t left = 0;
  bool needed = false;
  for (const auto& [id, other] : workers_) {
    const WorkerDescription& worker = other.mapped.description;
    if (id == shard.id || worker.numerics_id != shard.numerics_id) continue;
    if (worker.role == WorkerRole::kExpert) {
      left += other.mapped.refused.ok() && !other.leaving() ? 1 : 0;
    } else {
      needed = true;  // Gateways name no numerics.
    }
  }
  const uint32_t least = options_.assignment.replicas;
  if (!needed || left >= least) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(shard.id, ": would leave ", left, left == 1 ? " expert shard" : " expert shards",
                                                    ", expected ", least, " at least (the copies of each expert); start others first"));
}

bool ClusterState::IsDrainWanted(const std::string& id) const {
  const auto it = workers_.find(id);
  return it != workers_.end() && it->second.drain_wanted;
}

std::vector<std::string> ClusterState::Tick(absl::Time now) {
  const absl::Duration gap = last_tick_ ? now - *last_tick_ : absl::ZeroDuration();
  last_tick_ = now;
  if (gap > options_.heartbeat_timeout / 2) {
    for (auto& [id, entry] : workers_) entry.last_seen = std::max(entry.last_seen, now - options_.heartbeat_timeout / 2);
  }
  std::vector<std::string> expired;
  for (auto it = workers_.begin(); it != workers_.end();) {
    const auto current = it++;
    if (now - current->second.last_seen <= options_.heartbeat_timeout) continue;
    expired.push_back(current->first);
    Erase(current, now);
  }
  ReleaseHold(now);
  assignments_.Tick(now);
  const bool announced = TakeAnnounced();
  if (dirty_ || announced || !expired.empty()) Changed();
  return expired;
}

bool ClusterState::Adopt(RebalancePlan plan, absl::Time now) {
  const bool moved = assignments_.Adopt(std::move(plan), now);
  if (TakeAnnounced()) Changed();
  return moved;
}

std::vector<MappedWorker> ClusterState::Map() const {
  std::vector<MappedWorker> map;
  map.reserve(workers_.size());
  for (const auto& [id, entry] : workers_) map.push_back(entry.mapped);
  return map;
}

std::vector<ObservedWorker> ClusterState::Observe(absl::Time now) const {
  std::vector<ObservedWorker> observed;
  observed.reserve(workers_.size());
  for (const auto& [id, entry] : workers_) observed.push_back({id, now - entry.last_seen, entry.rows, entry.attention});
  return observed;
}

std::vector<std::string> ClusterState::Mismatched() const {
  std::vector<std::string> mismatched;
  const WorkerDescription* first = nullptr;
  for (const auto& [id, entry] : workers_) {
    const WorkerDescription& description = entry.mapped.description;
    if (description.role == WorkerRole::kGateway) continue;
    if (first == nullptr) first = &description;
    if (description.numerics_id != first->numerics_id || description.model_id != first->model_id) mismatched.push_back(id);
  }
  return mismatched;
}

void ClusterState::Erase(std::map<std::string, Entry>::iterator it, absl::Time now) {
  assignments_.Leave(it->first, now);
  digests_.Forget(it->first);
  workers_.erase(it);
}

bool ClusterState::TakeAnnounced() {
  if (announced_version_ == assignments_.version()) return false;
  announced_version_ = assignments_.version();
  bool changed = false;
  for (auto& [id, entry] : workers_) {
    if (entry.mapped.description.role != WorkerRole::kExpert) continue;
    Holdings announced = assignments_.Announced(id);
    changed = changed || announced != entry.mapped.experts;
    entry.mapped.experts = std::move(announced);
  }
  return changed;
}

void ClusterState::Changed() {
  dirty_ = true;
  if (hold_until_ || epoch_ + 1 >= epoch_limit_) return;
  ++epoch_;
  published_ = true;
  dirty_ = false;
}

void ClusterState::Hold(absl::Time now) {
  published_ = false;
  hold_until_ = now + options_.heartbeat_timeout;
  assignments_.HoldUntil(*hold_until_);
}

void ClusterState::ReleaseHold(absl::Time now) {
  if (hold_until_ && now >= *hold_until_) hold_until_.reset();
}

}  // namespace baleen
