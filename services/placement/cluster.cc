#include "services/placement/cluster.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "services/placement/convert.h"

namespace baleen {

void Cluster::Restart(uint64_t epoch, std::map<std::string, Holdings> targets) {
  std::lock_guard watch_lock(watch_mutex_);
  newest_ = nullptr;
  std::lock_guard lock(mutex_);
  ++restarts_;
  state_.emplace(options_);
  state_->Resume(epoch, std::move(targets), clock_->Now());
}

void Cluster::LimitEpoch(uint64_t limit) {
  std::lock_guard lock(mutex_);
  state_->LimitEpoch(limit);
}

std::map<std::string, Holdings> Cluster::Targets() const {
  std::lock_guard lock(mutex_);
  return state_->assignments().Targets();
}

absl::StatusOr<WorkerOrders> Cluster::Register(const WorkerDescription& worker, uint64_t epoch_seen, const Holdings& loaded) {
  WorkerOrders orders;
  {
    std::lock_guard lock(mutex_);
    absl::Status status = state_->Register(worker, epoch_seen, loaded, clock_->Now());
    if (!status.ok()) return status;
    orders = Orders(worker.id);
  }
  Publish();
  return orders;
}

absl::StatusOr<WorkerOrders> Cluster::Report(const std::string& id, const WorkerReport& report) {
  absl::Status status;
  WorkerOrders orders;
  {
    std::lock_guard lock(mutex_);
    status = state_->Report(id, report, clock_->Now());
    orders = Orders(id);
  }
  Publish();
  if (!status.ok()) return status;
  return orders;
}

bool Cluster::Remove(const std::string& id) {
  bool removed = false;
  {
    std::lock_guard lock(mutex_);
    removed = state_->Remove(id, clock_->Now());
  }
  Publish();
  return removed;
}

absl::Status Cluster::Drain(const std::string& id) {
  std::lock_guard lock(mutex_);
  return state_->Drain(id);
}

absl::Status Cluster::CheckOwner(const std::string& id, const std::string& caller) const {
  std::lock_guard lock(mutex_);
  return state_->CheckOwner(id, caller);
}

std::vector<std::string> Cluster::Tick() {
  std::vector<std::string> expired;
  {
    std::lock_guard lock(mutex_);
    expired = state_->Tick(clock_->Now());
  }
  Publish();
  return expired;
}

bool Cluster::Rebalance() {
  std::optional<RebalanceInput> input;
  uint64_t restarts = 0;
  {
    std::lock_guard lock(mutex_);
    input = state_->ForRebalance();
    restarts = restarts_;
  }
  if (!input) return false;
  RebalancePlan plan = PlanRebalance(*input);
  bool moved = false;
  {
    std::lock_guard lock(mutex_);
    moved = restarts == restarts_ && state_->Adopt(std::move(plan), clock_->Now());
  }
  Publish();
  return moved;
}

absl::Status Cluster::SetWantedShards(uint32_t shards) {
  const uint32_t least = options_.assignment.replicas;
  if (shards < least || shards > kMaxShards) {
    return absl::InvalidArgumentError(
        absl::StrCat("expert_shards is ", shards, "; expected ", least, " (the copies of each expert) to ", kMaxShards));
  }
  std::lock_guard lock(mutex_);
  wanted_shards_ = shards;
  return absl::OkStatus();
}

uint32_t Cluster::wanted_shards() const {
  std::lock_guard lock(mutex_);
  return wanted_shards_;
}

uint64_t Cluster::epoch() const {
  std::lock_guard lock(mutex_);
  return state_->epoch();
}

std::vector<std::string> Cluster::Mismatched() const {
  std::lock_guard lock(mutex_);
  return state_->Mismatched();
}

size_t Cluster::pending() const {
  std::lock_guard lock(mutex_);
  return state_->assignments().pending();
}

double Cluster::imbalance() const {
  std::lock_guard lock(mutex_);
  return state_->assignments().imbalance();
}

std::vector<MappedWorker> Cluster::Snapshot() const {
  std::lock_guard lock(mutex_);
  return state_->Map();
}

std::vector<ObservedWorker> Cluster::Observe() const {
  std::lock_guard lock(mutex_);
  return state_->Observe(clock_->Now());
}

absl::StatusOr<uint64_t> Cluster::Watch(std::function<void(const MapPtr&)> watcher) {
  std::lock_guard lock(watch_mutex_);
  if (watchers_.size() >= kMaxWatchers) return absl::ResourceExhaustedError(absl::StrCat("more than ", kMaxWatchers, " map watches"));
  if (newest_ != nullptr) watcher(newest_);
  const uint64_t handle = next_handle_++;
  watchers_.emplace(handle, std::move(watcher));
  return handle;
}

void Cluster::Unwatch(uint64_t handle) {
  std::lock_guard lock(watch_mutex_);
  watchers_.erase(handle);
}

WorkerOrders Cluster::Orders(const std::string& id) const {
  return {state_->epoch(), state_->assignments().Assigned(id), state_->assignments().IsReleased(id), state_->IsDrainWanted(id)};
}

void Cluster::Publish() {
  std::lock_guard watch_lock(watch_mutex_);
  auto map = std::make_shared<v1::ClusterMap>();
  {
    std::lock_guard lock(mutex_);
    if (!state_->published() || (newest_ != nullptr && newest_->epoch() >= state_->epoch())) return;
    map->set_epoch(state_->epoch());
    for (const MappedWorker& worker : state_->Map()) *map->add_workers() = ToProto(worker);
  }
  newest_ = std::move(map);
  for (const auto& [handle, watcher] : watchers_) watcher(newest_);
}

}  // namespace baleen
