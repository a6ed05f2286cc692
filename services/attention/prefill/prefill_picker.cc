#include "services/attention/prefill/prefill_picker.h"

#include <tuple>
#include <utility>

#include "proto/baleen/v1/placement.pb.h"

namespace baleen {

PrefillPicker::PrefillPicker(std::string self, std::string model_id, std::string numerics_id, Clock* clock)
    : self_(std::move(self)), model_id_(std::move(model_id)), numerics_id_(std::move(numerics_id)), clock_(clock) {}

void PrefillPicker::Update(const v1::ClusterMap& map) {
  const std::lock_guard lock(mu_);
  std::map<std::string, Candidate> candidates;
  listed_.clear();
  for (const v1::Worker& worker : map.workers()) {
    const v1::WorkerInfo& info = worker.info();
    listed_.insert(info.worker_id());
    const bool fills = info.role() == v1::ROLE_PREFILL || info.role() == v1::ROLE_PREFILL_AND_DECODE;
    const bool fits = info.model_id() == model_id_ && info.numerics_id() == numerics_id_ && info.worker_id() != self_;
    if (!fills || !fits || !worker.ready() || worker.draining()) continue;
    Candidate& candidate = candidates[info.worker_id()];
    if (const auto it = candidates_.find(info.worker_id()); it != candidates_.end()) candidate = it->second;
    candidate.address = info.address();
  }
  candidates_ = std::move(candidates);
}

bool PrefillPicker::Any() const {
  const std::lock_guard lock(mu_);
  return !candidates_.empty();
}

bool PrefillPicker::Listed(const std::string& worker_id) const {
  const std::lock_guard lock(mu_);
  return listed_.contains(worker_id);
}

std::optional<PrefillWorker> PrefillPicker::Pick(const std::set<std::string>& tried, int64_t tokens) {
  const absl::Time now = clock_->Now();
  const std::lock_guard lock(mu_);
  auto best = candidates_.end();
  for (auto it = candidates_.begin(); it != candidates_.end(); ++it) {
    if (tried.contains(it->first) || now < it->second.avoid_until) continue;
    const auto rank = [](const Candidate& c) { return std::tie(c.tokens, c.last_pick); };
    if (best == candidates_.end() || rank(it->second) < rank(best->second)) best = it;
  }
  if (best == candidates_.end()) return std::nullopt;
  best->second.tokens += tokens;
  best->second.last_pick = ++picks_;
  return PrefillWorker{.worker_id = best->first, .address = best->second.address};
}

void PrefillPicker::Done(const std::string& worker_id, int64_t tokens) {
  const std::lock_guard lock(mu_);
  const auto it = candidates_.find(worker_id);
  if (it != candidates_.end()) it->second.tokens = it->second.tokens > tokens ? it->second.tokens - tokens : 0;
}

void PrefillPicker::Failed(const std::string& worker_id) {
  const absl::Time until = clock_->Now() + kAvoidTime;
  const std::lock_guard lock(mu_);
  const auto it = candidates_.find(worker_id);
  if (it != candidates_.end()) it->second.avoid_until = until;
}

}  // namespace baleen
