// Who runs, who waits and who is turned away when more is asked of the cluster than it can hold: decisions alone.
#ifndef BALEEN_SERVICES_GATEWAY_ADMISSION_ADMISSION_QUEUE_H_
#define BALEEN_SERVICES_GATEWAY_ADMISSION_ADMISSION_QUEUE_H_

#include <cstdint>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "services/gateway/admission/admission_capacity.h"
#include "services/gateway/admission/service_time.h"

namespace baleen {

struct AdmissionLimits {
  AdmissionCapacity running = {int64_t{1} << 20, int64_t{1} << 40};  // Until SetCapacity.
  int64_t waiting_requests = 1024;
  int64_t waiting_tokens = int64_t{4} << 20;
  absl::Duration max_wait = absl::Seconds(30);  // Whoever waited so long is refused.
  // Who is expected to wait longer is refused at once: a standing queue makes everybody late and answers nobody more.
  absl::Duration max_expected_wait = absl::Seconds(3);
  // While others were here within `tenant_memory`, one tenant may run at most this part of the capacity: what the next one asks for need
  // not wait for its requests to end.
  double max_tenant_share = 0.75;
  absl::Duration tenant_memory = absl::Minutes(1);
};

struct AdmissionRequest {
  std::string tenant;
  int64_t tokens = 0;  // The price: what it may hold at most, prompt and answer.
  absl::Time deadline = absl::InfiniteFuture();
  bool resumes = false;  // It was admitted before, here or elsewhere: runs at once.
};

// What became of a request that waited. Not OK: RESOURCE_EXHAUSTED when its tenant had more than its share of the queue, UNAVAILABLE when
// it waited, or would have to wait, too long, DEADLINE_EXCEEDED.
struct AdmissionDecision {
  uint64_t id = 0;
  absl::Status status;
};

// Free places go to tenants who run less than their equal part of the capacity, then to all; among them by turns in tokens (start-time fair
// queueing), each one's requests in order. No place that the tenants' shares allow stays free while somebody waits for it, and nobody is
// overtaken for being large. A full queue drops the newest request of whoever has most in it. A function of the calls and times;
// thread-compatible.
class AdmissionQueue {
 public:
  explicit AdmissionQueue(const AdmissionLimits& limits) : limits_(limits), capacity_(limits.running) {}

  // Queues a request under a fresh id; Decide says the rest, maybe at once.
  void Submit(uint64_t id, const AdmissionRequest& request, absl::Time now);
  // Over, given up or gone: whatever it held is free, and Decide may have something to do; false for unknown ids.
  bool Leave(uint64_t id, absl::Time now);
  // What runs beyond it goes on.
  void SetCapacity(const AdmissionCapacity& capacity) { capacity_ = capacity; }

  // Not OK when a request of the tenant's that asks for this much, or more, is sure to be refused by the next decisions, as they would say
  // it; of what a full queue drops they may say that it would wait too long, if it asks for much more. OK for what resumes.
  absl::Status Foresee(const AdmissionRequest& least, absl::Time now);
  // Each request once: may run, or is refused.
  std::vector<AdmissionDecision> Decide(absl::Time now);
  // When Decide has something to do by time alone.
  absl::Time NextEvent() const;
  // In how long those who wait will have been served, by the speed of late: 1 s to 60 s.
  absl::Duration RetryAfter() const;

  const AdmissionCapacity& capacity() const { return capacity_; }
  int64_t running_tokens() const { return running_tokens_; }
  int64_t waiting_tokens() const { return waiting_tokens_; }
  int64_t waiting() const { return static_cast<int64_t>(waiting_.size()); }
  int64_t running() const { return static_cast<int64_t>(running_.size()); }
  size_t tenants() const { return tenants_.size(); }

 private:
  struct Waiting {
    std::string tenant;
    int64_t tokens = 0;
    absl::Time expires;
    bool by_deadline = false;
  };
  struct Running {
    std::string tenant;
    int64_t tokens = 0;
    absl::Time since;
  };
  struct Tenant {
    std::deque<uint64_t> queue;
    int64_t waiting_tokens = 0;
    AdmissionCapacity running;
    double turn = 0;  // Virtual time of its next request.
    absl::Time seen;
  };

  void Expire(absl::Time now, std::vector<AdmissionDecision>* decisions);
  void DropSurplus(std::vector<AdmissionDecision>* decisions);
  void RefuseHopeless(absl::Time now, std::vector<AdmissionDecision>* decisions);
  // Until the last of the tenant's so many waiting tokens had its turn, if tenants get equal tokens.
  absl::Duration ExpectedWait(const std::string& tenant, int64_t waiting_tokens) const;
  bool Fits(int64_t tokens) const;
  // Decide would let a request of those who wait run, or may let one run that the tenant adds.
  bool AnyMayRun(const Tenant& tenant, int64_t tokens);
  // A newcomer that brings the tenant's waiting tokens to so many is what a full queue drops.
  bool IsSurplus(const std::string& tenant, int64_t waiting_tokens, int64_t newcomers) const;
  // The part of the capacity that a tenant with so much running has.
  double ShareOf(const AdmissionCapacity& running) const;
  bool MayRun(const Tenant& tenant, int64_t tokens) const;
  // One of those who wait or run.
  double EqualPart() const;
  Tenant* NextTenant(double equal_part);
  void Run(uint64_t id, const std::string& tenant, int64_t tokens, absl::Time now);
  // The request waits no more.
  Waiting TakeWaiting(uint64_t id);
  // After its requests have changed: whether it has any.
  void NoteWhetherIdle(const std::string& name);
  void ForgetIdleTenants(absl::Time now);
  absl::Status Refusal(absl::StatusCode code, const char* why) const;
  absl::Status Overloaded() const;
  absl::Status QueueFull() const;

  const AdmissionLimits limits_;
  AdmissionCapacity capacity_;
  std::map<uint64_t, Waiting> waiting_;
  std::set<std::pair<absl::Time, uint64_t>> expiries_;  // Of those who wait.
  std::vector<uint64_t> newcomers_;                     // Submitted since the last decisions.
  std::map<uint64_t, Running> running_;
  std::map<std::string, Tenant> tenants_;  // Those here, and those seen of late.
  std::set<std::string> queueing_;         // Tenants with somebody waiting.
  // Tenants without requests, those first that are forgotten first: there may be as many as came within `tenant_memory`.
  std::set<std::pair<absl::Time, std::string>> idle_;
  std::vector<AdmissionDecision> decided_;
  int64_t running_tokens_ = 0;
  int64_t waiting_tokens_ = 0;
  double virtual_time_ = 0;
  ServiceTime service_time_;
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_GATEWAY_ADMISSION_ADMISSION_QUEUE_H_
