#include "services/placement/cluster_state.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"

namespace baleen {

absl::Status ClusterState::Register(const WorkerDescription& worker, uint64_t epoch_seen, std::vector<LayerExperts> loaded,
                                    absl::Time now) {
  const bool is_new = !workers_.contains(worker.id);
  if (is_new && workers_.size() >= kMaxWorkers) return absl::ResourceExhaustedError(absl::StrCat("more than ", kMaxWorkers, " workers"));
  if (worker.role == WorkerRole::kExpert) RETURN_IF_ERROR(EnsurePlan(worker.shape));
  if (epoch_seen > epoch_) {
    epoch_ = epoch_seen;
    published_ = false;
    hold_until_ = now + options_.heartbeat_timeout;
  }
  Entry& entry = workers_[worker.id];
  entry.mapped.description = worker;
  entry.mapped.ready = false;
  if (entry.mapped.refused.ok()) entry.mapped.experts = std::move(loaded);
  entry.last_seen = now;
  EnsureSlot(entry);
  Changed();
  return absl::OkStatus();
}

absl::Status ClusterState::Report(const std::string& id, const WorkerReport& report, absl::Time now) {
  const auto it = workers_.find(id);
  if (it == workers_.end()) return absl::NotFoundError(absl::StrCat("worker ", id, " is not registered"));
  Entry& entry = it->second;
  entry.last_seen = now;
  MappedWorker& mapped = entry.mapped;
  const MappedWorker before = mapped;
  if (mapped.refused.ok()) mapped.refused = digests_.Record(id, mapped.description.model_id, report.digests);
  const bool accepted = mapped.refused.ok();
  mapped.ready = accepted && report.ready;
  mapped.draining = report.draining;
  mapped.load = report.load;
  mapped.experts = accepted ? report.loaded : std::vector<LayerExperts>();
  if (!accepted) FreeSlot(entry);
  EnsureSlot(entry);
  if (mapped.ready != before.ready || mapped.draining != before.draining || mapped.experts != before.experts) {
    Changed();
  } else if (mapped.load != before.load) {
    dirty_ = true;  // Load moves all the time; the next tick publishes everybody's at once.
  }
  return mapped.refused;
}

bool ClusterState::Remove(const std::string& id) {
  const auto it = workers_.find(id);
  if (it == workers_.end()) return false;
  Erase(it);
  Changed();
  return true;
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
    Erase(current);
  }
  ReleaseHold(now);
  if (dirty_ || !expired.empty()) Changed();
  return expired;
}

std::vector<LayerExperts> ClusterState::Assignment(const std::string& id) const {
  const auto it = workers_.find(id);
  if (it == workers_.end() || !it->second.slot) return {};
  return plan_[*it->second.slot];
}

std::vector<MappedWorker> ClusterState::Map() const {
  std::vector<MappedWorker> map;
  map.reserve(workers_.size());
  for (const auto& [id, entry] : workers_) map.push_back(entry.mapped);
  return map;
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

absl::Status ClusterState::EnsurePlan(const ModelShape& shape) {
  if (planned_shape_ == shape) return absl::OkStatus();
  const bool in_use = std::any_of(slots_.begin(), slots_.end(), [](const SlotHolder& holder) { return holder.taken; });
  if (in_use) {
    return absl::InvalidArgumentError(absl::StrCat("expert shard of ", shape.moe_layers, " MoE layers with ", shape.experts,
                                                   " experts from layer ", shape.first_moe_layer, "; the cluster's model has ",
                                                   planned_shape_->moe_layers, " with ", planned_shape_->experts, " from layer ",
                                                   planned_shape_->first_moe_layer));
  }
  ASSIGN_OR_RETURN(plan_, PlanEvenly({shape, options_.expected_shards, options_.replicas, {}}));
  planned_shape_ = shape;
  slots_.assign(options_.expected_shards, {});
  return absl::OkStatus();
}

void ClusterState::EnsureSlot(Entry& entry) {
  MappedWorker& mapped = entry.mapped;
  if (mapped.description.role != WorkerRole::kExpert || entry.slot) return;
  if (!mapped.refused.ok() || mapped.draining) return;
  // A spare of the model before last must not take a slot of another shape.
  if (mapped.description.shape != planned_shape_) return;
  entry.slot = ChooseSlot(plan_, slots_, mapped.experts, mapped.description.failure_domain);
  if (entry.slot) slots_[*entry.slot] = {true, mapped.description.failure_domain};
}

void ClusterState::FreeSlot(Entry& entry) {
  if (entry.slot) slots_[*entry.slot] = {};
  entry.slot.reset();
}

void ClusterState::Erase(std::map<std::string, Entry>::iterator it) {
  FreeSlot(it->second);
  digests_.Forget(it->first);
  workers_.erase(it);
}

void ClusterState::Changed() {
  dirty_ = true;
  if (hold_until_) return;
  ++epoch_;
  published_ = true;
  dirty_ = false;
}

void ClusterState::ReleaseHold(absl::Time now) {
  if (hold_until_ && now >= *hold_until_) hold_until_.reset();
}

}  // namespace baleen
