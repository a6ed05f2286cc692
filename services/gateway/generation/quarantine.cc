#include "services/gateway/generation/quarantine.h"

#include <algorithm>
#include <utility>

namespace baleen {

void Quarantine::Started(const std::string& id, const std::string& worker) {
  const std::lock_guard<std::mutex> lock(mutex_);
  Request& request = requests_[id];
  LeaveLocked(id, request);
  request.worker = worker;
  request.progressed = false;
  Worker& aboard = workers_[worker];
  ++aboard.aboard;
  aboard.suspects.insert(id);
}

void Quarantine::Progressed(const std::string& id) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto it = requests_.find(id);
  if (it == requests_.end() || std::exchange(it->second.progressed, true)) return;
  it->second.deaths = 0;
  if (isolated_ == id) isolated_.clear();
  const auto worker = workers_.find(it->second.worker);
  if (worker != workers_.end()) worker->second.suspects.erase(id);
}

AfterDeath Quarantine::Died(const std::string& id) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto it = requests_.find(id);
  if (it == requests_.end() || it->second.worker.empty()) return AfterDeath::kRetry;
  Request& request = it->second;
  Worker& worker = workers_.at(request.worker);
  // The deaths of all aboard are reported one after another: what counts is who was there when the first one was. Not only that one, since
  // a living worker's stream may have broken before.
  worker.suspects_at_death = std::max(worker.suspects_at_death, worker.suspects.size());
  const bool alone = worker.suspects_at_death <= 1;
  LeaveLocked(id, request);
  if (request.progressed) return AfterDeath::kRetry;
  const bool was_isolated = isolated_ == id;
  if (was_isolated) isolated_.clear();
  if (++request.deaths < 2) return AfterDeath::kRetry;
  return alone || was_isolated ? AfterDeath::kGiveUp : AfterDeath::kIsolate;
}

bool Quarantine::TryIsolate(const std::string& id) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (!isolated_.empty() && isolated_ != id) return false;
  isolated_ = id;
  return true;
}

void Quarantine::Left(const std::string& id) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto it = requests_.find(id);
  if (it != requests_.end()) LeaveLocked(id, it->second);
}

void Quarantine::Ended(const std::string& id) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto it = requests_.find(id);
  if (it != requests_.end()) {
    LeaveLocked(id, it->second);
    requests_.erase(it);
  }
  if (isolated_ == id) isolated_.clear();
}

size_t Quarantine::size() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return requests_.size() + workers_.size() + (isolated_.empty() ? 0 : 1);
}

void Quarantine::LeaveLocked(const std::string& id, Request& request) {
  const auto worker = workers_.find(std::exchange(request.worker, ""));
  if (worker == workers_.end()) return;
  worker->second.suspects.erase(id);
  if (--worker->second.aboard == 0) workers_.erase(worker);
}

}  // namespace baleen
