#include "services/gateway/admission/admission_queue.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/gateway/api/api_error.h"

namespace baleen {

void AdmissionQueue::Submit(uint64_t id, const AdmissionRequest& request, absl::Time now) {
  ForgetIdleTenants(now);
  Tenant& tenant = tenants_[request.tenant];
  tenant.seen = now;
  const int64_t tokens = std::max<int64_t>(request.tokens, 1);
  if (request.resumes) {
    Run(id, tenant, tokens);
    running_[id].tenant = request.tenant;
    decided_.push_back({id, absl::OkStatus()});
    return;
  }
  const absl::Time patience = now + limits_.max_wait;
  waiting_[id] = {request.tenant, tokens, std::min(patience, request.deadline), request.deadline < patience};
  waiting_tokens_ += tokens;
  tenant.waiting_tokens += tokens;
  // Who had nothing waiting starts now: time spent away earns no turns.
  if (tenant.queue.empty()) tenant.turn = std::max(tenant.turn, virtual_time_);
  tenant.queue.push_back(id);
}

AdmissionQueue::Waiting AdmissionQueue::TakeWaiting(uint64_t id) {
  const auto it = waiting_.find(id);
  Waiting entry = std::move(it->second);
  waiting_.erase(it);
  waiting_tokens_ -= entry.tokens;
  Tenant& tenant = tenants_.at(entry.tenant);
  tenant.waiting_tokens -= entry.tokens;
  tenant.queue.erase(std::find(tenant.queue.begin(), tenant.queue.end(), id));
  return entry;
}

void AdmissionQueue::Leave(uint64_t id, absl::Time now) {
  std::erase_if(decided_, [id](const AdmissionDecision& decision) { return decision.id == id; });
  if (waiting_.count(id) > 0) {
    TakeWaiting(id);
    return;
  }
  const auto it = running_.find(id);
  if (it == running_.end()) return;
  const Running entry = std::move(it->second);
  running_.erase(it);
  running_tokens_ -= entry.tokens;
  Tenant& tenant = tenants_.at(entry.tenant);
  tenant.running_tokens -= entry.tokens;
  tenant.seen = std::max(tenant.seen, now);
  if (last_end_ != absl::InfinitePast()) {
    const double seconds = std::max(1e-3, absl::ToDoubleSeconds(now - last_end_));
    const double rate = static_cast<double>(entry.tokens) / seconds;
    // Weighted by time, so that a burst of ends counts no more than the pause before it.
    const double weight = std::min(1.0, seconds / 5);
    tokens_per_second_ += weight * (rate - tokens_per_second_);
  }
  last_end_ = now;
}

void AdmissionQueue::Run(uint64_t id, Tenant& tenant, int64_t tokens) {
  running_[id].tokens = tokens;
  running_tokens_ += tokens;
  tenant.running_tokens += tokens;
}

std::vector<AdmissionDecision> AdmissionQueue::Decide(absl::Time now) {
  std::vector<AdmissionDecision> decisions = std::exchange(decided_, {});
  Expire(now, &decisions);
  while (Tenant* tenant = NextTenant()) {
    const uint64_t id = tenant->queue.front();
    if (running_tokens_ > 0 && running_tokens_ + waiting_.at(id).tokens > capacity_) break;
    const Waiting entry = TakeWaiting(id);
    virtual_time_ = std::max(virtual_time_, tenant->turn);
    tenant->turn += static_cast<double>(entry.tokens);
    Run(id, *tenant, entry.tokens);
    running_[id].tenant = entry.tenant;
    decisions.push_back({id, absl::OkStatus()});
  }
  DropSurplus(&decisions);
  return decisions;
}

// The tenant whose turn it is, among those who have a request that their share allows.
AdmissionQueue::Tenant* AdmissionQueue::NextTenant() {
  Tenant* next = nullptr;
  for (auto& [name, tenant] : tenants_) {
    if (tenant.queue.empty() || !MayRun(tenant, waiting_.at(tenant.queue.front()).tokens)) continue;
    if (next == nullptr || tenant.turn < next->turn) next = &tenant;
  }
  return next;
}

bool AdmissionQueue::MayRun(const Tenant& tenant, int64_t tokens) const {
  if (tenants_.size() == 1 || tenant.running_tokens == 0) return true;
  return static_cast<double>(tenant.running_tokens + tokens) <= limits_.max_tenant_share * static_cast<double>(capacity_);
}

void AdmissionQueue::Expire(absl::Time now, std::vector<AdmissionDecision>* decisions) {
  std::vector<uint64_t> expired;
  for (const auto& [id, entry] : waiting_) {
    if (entry.expires <= now) expired.push_back(id);
  }
  for (const uint64_t id : expired) {
    const bool by_deadline = TakeWaiting(id).by_deadline;
    decisions->push_back({id, by_deadline ? absl::DeadlineExceededError("The request's deadline passed before there was room for it.")
                                          : Refusal(absl::StatusCode::kUnavailable, "The server is overloaded; try again later.")});
  }
}

void AdmissionQueue::DropSurplus(std::vector<AdmissionDecision>* decisions) {
  while (waiting() > limits_.waiting_requests || waiting_tokens_ > limits_.waiting_tokens) {
    const auto greediest = std::max_element(tenants_.begin(), tenants_.end(),
                                            [](const auto& a, const auto& b) { return a.second.waiting_tokens < b.second.waiting_tokens; });
    const uint64_t id = greediest->second.queue.back();
    TakeWaiting(id);
    decisions->push_back({id, Refusal(absl::StatusCode::kResourceExhausted, "Too many requests are waiting; try again later.")});
  }
}

void AdmissionQueue::ForgetIdleTenants(absl::Time now) {
  std::erase_if(tenants_, [&](const auto& entry) {
    const Tenant& tenant = entry.second;
    return tenant.queue.empty() && tenant.running_tokens == 0 && now - tenant.seen > limits_.tenant_memory;
  });
}

absl::Time AdmissionQueue::NextEvent() const {
  if (!decided_.empty()) return absl::InfinitePast();
  absl::Time next = absl::InfiniteFuture();
  for (const auto& [id, entry] : waiting_) next = std::min(next, entry.expires);
  return next;
}

absl::Duration AdmissionQueue::RetryAfter() const {
  if (tokens_per_second_ <= 0) return absl::Seconds(1);
  const absl::Duration wait = absl::Seconds(static_cast<double>(waiting_tokens_) / tokens_per_second_);
  return std::clamp(absl::Ceil(wait, absl::Seconds(1)), absl::Seconds(1), absl::Seconds(60));
}

absl::Status AdmissionQueue::Refusal(absl::StatusCode code, const char* why) const {
  return WithRetryAfter(absl::Status(code, why), RetryAfter());
}

}  // namespace baleen
