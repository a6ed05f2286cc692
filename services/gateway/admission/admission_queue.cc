#include "services/gateway/admission/admission_queue.h"

#include <algorithm>
#include <utility>

#include "services/gateway/api/api_error.h"

namespace baleen {

void AdmissionQueue::Submit(uint64_t id, const AdmissionRequest& request, absl::Time now) {
  ForgetIdleTenants(now);
  Tenant& tenant = tenants_[request.tenant];
  idle_.erase({tenant.seen, request.tenant});
  tenant.seen = now;
  const int64_t tokens = std::max<int64_t>(request.tokens, 1);
  if (request.resumes) {
    Run(id, request.tenant, tokens, now);
    decided_.push_back({id, absl::OkStatus()});
    return;
  }
  const absl::Time patience = now + limits_.max_wait;
  const absl::Time expires = std::min(patience, request.deadline);
  waiting_[id] = {request.tenant, tokens, expires, request.deadline < patience};
  expiries_.emplace(expires, id);
  newcomers_.push_back(id);
  waiting_tokens_ += tokens;
  tenant.waiting_tokens += tokens;
  if (tenant.queue.empty()) {
    // Who had nothing waiting starts now: time spent away earns no turns.
    tenant.turn = std::max(tenant.turn, virtual_time_);
    queueing_.insert(request.tenant);
  }
  tenant.queue.push_back(id);
}

AdmissionQueue::Waiting AdmissionQueue::TakeWaiting(uint64_t id) {
  const auto it = waiting_.find(id);
  Waiting entry = std::move(it->second);
  waiting_.erase(it);
  expiries_.erase({entry.expires, id});
  waiting_tokens_ -= entry.tokens;
  Tenant& tenant = tenants_.at(entry.tenant);
  tenant.waiting_tokens -= entry.tokens;
  tenant.queue.erase(std::find(tenant.queue.begin(), tenant.queue.end(), id));
  if (tenant.queue.empty()) queueing_.erase(entry.tenant);
  NoteWhetherIdle(entry.tenant);
  return entry;
}

bool AdmissionQueue::Leave(uint64_t id, absl::Time now) {
  std::erase_if(decided_, [id](const AdmissionDecision& decision) { return decision.id == id; });
  if (waiting_.count(id) > 0) {
    TakeWaiting(id);
    return true;
  }
  const auto it = running_.find(id);
  if (it == running_.end()) return false;
  const Running entry = std::move(it->second);
  service_time_.Ended(entry.tokens, now - entry.since, running());
  running_.erase(it);
  running_tokens_ -= entry.tokens;
  Tenant& tenant = tenants_.at(entry.tenant);
  --tenant.running.sequences;
  tenant.running.tokens -= entry.tokens;
  tenant.seen = std::max(tenant.seen, now);
  NoteWhetherIdle(entry.tenant);
  return true;
}

// More tokens only make it wait longer and the queue fuller, so that the least of them says enough.
absl::Status AdmissionQueue::Foresee(const AdmissionRequest& least, absl::Time now) {
  if (least.resumes || least.deadline <= now || NextEvent() <= now) return absl::OkStatus();
  ForgetIdleTenants(now);
  const Tenant stranger;
  const auto it = tenants_.find(least.tenant);
  const Tenant& tenant = it == tenants_.end() ? stranger : it->second;
  const int64_t tokens = std::max<int64_t>(least.tokens, 1);
  if (AnyMayRun(tenant, tokens)) return absl::OkStatus();
  const absl::Duration bound = std::min({limits_.max_expected_wait, limits_.max_wait, least.deadline - now});
  const int64_t waiting_tokens = tenant.waiting_tokens + tokens;
  if (ExpectedWait(least.tenant, waiting_tokens) > bound) return Overloaded();
  return IsSurplus(least.tenant, waiting_tokens, tokens) ? QueueFull() : absl::OkStatus();
}

bool AdmissionQueue::AnyMayRun(const Tenant& tenant, int64_t tokens) {
  if (!Fits(1)) return false;
  const Tenant* next = NextTenant(EqualPart());
  if (next != nullptr && Fits(waiting_.at(next->queue.front()).tokens)) return true;
  // Behind others of its tenant's it waits as they do; a tenant who was away makes everybody's equal part another one.
  if (!tenant.queue.empty()) return false;
  return tenant.running.sequences == 0 || (MayRun(tenant, tokens) && Fits(tokens));
}

void AdmissionQueue::Run(uint64_t id, const std::string& tenant, int64_t tokens, absl::Time now) {
  running_[id] = {tenant, tokens, now};
  running_tokens_ += tokens;
  AdmissionCapacity& running = tenants_.at(tenant).running;
  ++running.sequences;
  running.tokens += tokens;
  NoteWhetherIdle(tenant);
}

std::vector<AdmissionDecision> AdmissionQueue::Decide(absl::Time now) {
  std::vector<AdmissionDecision> decisions = std::exchange(decided_, {});
  ForgetIdleTenants(now);
  Expire(now, &decisions);
  const double equal_part = EqualPart();
  while (Tenant* tenant = NextTenant(equal_part)) {
    const uint64_t id = tenant->queue.front();
    if (!Fits(waiting_.at(id).tokens)) break;
    const Waiting entry = TakeWaiting(id);
    virtual_time_ = std::max(virtual_time_, tenant->turn);
    tenant->turn += static_cast<double>(entry.tokens);
    Run(id, entry.tenant, entry.tokens, now);
    decisions.push_back({id, absl::OkStatus()});
  }
  RefuseHopeless(now, &decisions);
  DropSurplus(&decisions);
  return decisions;
}

bool AdmissionQueue::Fits(int64_t tokens) const {
  return running_.empty() || (running() < capacity_.sequences && running_tokens_ + tokens <= capacity_.tokens);
}

double AdmissionQueue::ShareOf(const AdmissionCapacity& running) const {
  const auto part = [](int64_t amount, int64_t whole) {
    return static_cast<double>(amount) / static_cast<double>(std::max<int64_t>(whole, 1));
  };
  return std::max(part(running.sequences, capacity_.sequences), part(running.tokens, capacity_.tokens));
}

double AdmissionQueue::EqualPart() const { return 1 / static_cast<double>(std::max<size_t>(tenants_.size() - idle_.size(), 1)); }

// The tenant whose turn it is, among those who have a request that their share allows.
AdmissionQueue::Tenant* AdmissionQueue::NextTenant(double equal_part) {
  Tenant* next = nullptr;
  std::pair<bool, double> next_key;
  for (const std::string& name : queueing_) {
    Tenant& tenant = tenants_.at(name);
    if (!MayRun(tenant, waiting_.at(tenant.queue.front()).tokens)) continue;
    const std::pair<bool, double> key(ShareOf(tenant.running) >= equal_part, tenant.turn);
    if (next != nullptr && next_key <= key) continue;
    next = &tenant;
    next_key = key;
  }
  return next;
}

bool AdmissionQueue::MayRun(const Tenant& tenant, int64_t tokens) const {
  if (tenants_.size() == 1 || tenant.running.sequences == 0) return true;
  return ShareOf({tenant.running.sequences + 1, tenant.running.tokens + tokens}) <= limits_.max_tenant_share;
}

void AdmissionQueue::Expire(absl::Time now, std::vector<AdmissionDecision>* decisions) {
  while (!expiries_.empty() && expiries_.begin()->first <= now) {
    const uint64_t id = expiries_.begin()->second;
    const bool by_deadline = TakeWaiting(id).by_deadline;
    decisions->push_back(
        {id, by_deadline ? absl::DeadlineExceededError("The request's deadline passed before there was room for it.") : Overloaded()});
  }
}

// Newcomers for whom there was no place, and for whom there will be none in time.
void AdmissionQueue::RefuseHopeless(absl::Time now, std::vector<AdmissionDecision>* decisions) {
  std::vector<uint64_t> newcomers = std::exchange(newcomers_, {});
  for (auto id = newcomers.rbegin(); id != newcomers.rend(); ++id) {
    const auto it = waiting_.find(*id);
    if (it == waiting_.end()) continue;
    const std::string& tenant = it->second.tenant;
    const absl::Duration bound = std::min(limits_.max_expected_wait, it->second.expires - now);
    if (ExpectedWait(tenant, tenants_.at(tenant).waiting_tokens) <= bound) continue;
    TakeWaiting(*id);
    decisions->push_back({*id, Overloaded()});
  }
}

absl::Duration AdmissionQueue::ExpectedWait(const std::string& tenant, int64_t waiting_tokens) const {
  int64_t tokens = waiting_tokens;
  for (const std::string& name : queueing_) {
    if (name != tenant) tokens += std::min(tenants_.at(name).waiting_tokens, waiting_tokens);
  }
  return service_time_.TimeFor(tokens, running_tokens_);
}

bool AdmissionQueue::IsSurplus(const std::string& tenant, int64_t waiting_tokens, int64_t newcomers) const {
  if (waiting() < limits_.waiting_requests && waiting_tokens_ + newcomers <= limits_.waiting_tokens) return false;
  return std::all_of(queueing_.begin(), queueing_.end(),
                     [&](const std::string& name) { return name == tenant || tenants_.at(name).waiting_tokens < waiting_tokens; });
}

void AdmissionQueue::DropSurplus(std::vector<AdmissionDecision>* decisions) {
  while (waiting() > limits_.waiting_requests || waiting_tokens_ > limits_.waiting_tokens) {
    const auto greediest = std::max_element(queueing_.begin(), queueing_.end(), [this](const std::string& a, const std::string& b) {
      return tenants_.at(a).waiting_tokens < tenants_.at(b).waiting_tokens;
    });
    const uint64_t id = tenants_.at(*greediest).queue.back();
    TakeWaiting(id);
    decisions->push_back({id, QueueFull()});
  }
}

void AdmissionQueue::NoteWhetherIdle(const std::string& name) {
  const Tenant& tenant = tenants_.at(name);
  const bool idle = tenant.queue.empty() && tenant.running.sequences == 0;
  idle ? (void)idle_.emplace(tenant.seen, name) : (void)idle_.erase({tenant.seen, name});
}

void AdmissionQueue::ForgetIdleTenants(absl::Time now) {
  while (!idle_.empty() && idle_.begin()->first + limits_.tenant_memory <= now) {
    tenants_.erase(idle_.begin()->second);
    idle_.erase(idle_.begin());
  }
}

absl::Time AdmissionQueue::NextEvent() const {
  if (!decided_.empty()) return absl::InfinitePast();
  if (waiting_.empty()) return absl::InfiniteFuture();
  const absl::Time expires = expiries_.begin()->first;
  if (idle_.empty()) return expires;
  return std::min(expires, idle_.begin()->first + limits_.tenant_memory);  // Then those who wait may have more of the capacity.
}

absl::Duration AdmissionQueue::RetryAfter() const {
  const absl::Duration wait = service_time_.TimeFor(waiting_tokens_, running_tokens_);
  return std::clamp(absl::Ceil(wait, absl::Seconds(1)), absl::Seconds(1), absl::Seconds(60));
}

absl::Status AdmissionQueue::Refusal(absl::StatusCode code, const char* why) const {
  return WithRetryAfter(absl::Status(code, why), RetryAfter());
}

absl::Status AdmissionQueue::Overloaded() const {
  return Refusal(absl::StatusCode::kUnavailable, "The server is overloaded; try again later.");
}

absl::Status AdmissionQueue::QueueFull() const {
  return Refusal(absl::StatusCode::kResourceExhausted, "Too many requests are waiting; try again later.");
}

}  // namespace baleen
