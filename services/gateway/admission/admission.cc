#include "services/gateway/admission/admission.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include <algorithm>
#include <utility>

namespace baleen {

struct Admission::Probe {
  explicit Probe(prometheus::Registry& registry)
      : waiting(Gauge(registry, "baleen_num_requests_waiting", "Requests that wait for room.")),
        waiting_tokens(Gauge(registry, "baleen_admission_waiting_tokens", "Tokens that waiting requests may need.")),
        running_tokens(Gauge(registry, "baleen_admission_running_tokens", "Tokens that admitted requests may need.")),
        running_sequences(Gauge(registry, "baleen_admission_running_sequences", "Sequences that were admitted and have not ended.")),
        max_num_seqs(Gauge(registry, "baleen_admission_max_num_seqs", "Sequences that the cluster runs well for this gateway.")),
        refused(prometheus::BuildCounter()
                    .Name("baleen_admission_refused_total")
                    .Help("Requests that found no room in the queue, or waited or would have waited too long.")
                    .Register(registry)
                    .Add({})),
        queue_time(prometheus::BuildHistogram()
                       .Name("baleen_request_queue_time_seconds")
                       .Help("How long admitted requests waited for room.")
                       .Register(registry)
                       .Add({}, prometheus::Histogram::BucketBoundaries{0.001, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300})) {}

  static prometheus::Gauge& Gauge(prometheus::Registry& registry, const char* name, const char* help) {
    return prometheus::BuildGauge().Name(name).Help(help).Register(registry).Add({});
  }

  void Decided(const absl::Status& status, absl::Duration waited) {
    if (!status.ok()) return refused.Increment();
    queue_time.Observe(absl::ToDoubleSeconds(waited));
  }

  void Update(const AdmissionQueue& queue) {
    waiting.Set(static_cast<double>(queue.waiting()));
    waiting_tokens.Set(static_cast<double>(queue.waiting_tokens()));
    running_tokens.Set(static_cast<double>(queue.running_tokens()));
    running_sequences.Set(static_cast<double>(queue.running()));
    max_num_seqs.Set(static_cast<double>(queue.capacity().sequences));
  }

  prometheus::Gauge& waiting;
  prometheus::Gauge& waiting_tokens;
  prometheus::Gauge& running_tokens;
  prometheus::Gauge& running_sequences;
  prometheus::Gauge& max_num_seqs;
  prometheus::Counter& refused;
  prometheus::Histogram& queue_time;
};

Admission::Admission(const AdmissionLimits& limits, Clock* clock, prometheus::Registry* metrics)
    : clock_(clock), probe_(metrics == nullptr ? nullptr : std::make_unique<Probe>(*metrics)), queue_(limits) {
  watch_ = std::thread([this] { Watch(); });
}

Admission::~Admission() { Stop(); }

void Admission::Stop() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  if (watch_.joinable()) watch_.join();
}

absl::Status Admission::Foresee(const AdmissionRequest& least) {
  const std::lock_guard<std::mutex> lock(mutex_);
  absl::Status status = queue_.Foresee(least, clock_->Now());
  if (!status.ok() && probe_ != nullptr) probe_->refused.Increment();
  return status;
}

uint64_t Admission::NewTicket() {
  const std::lock_guard<std::mutex> lock(mutex_);
  return ++last_ticket_;
}

void Admission::Enter(uint64_t ticket, const AdmissionRequest& request, Outcome outcome) {
  std::vector<Due> due;
  bool sooner = false;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    const absl::Time now = clock_->Now();
    waiting_[ticket] = {std::move(outcome), now};
    queue_.Submit(ticket, request, now);
    due = DecideLocked();
    sooner = queue_.NextEvent() < wakes_at_;
  }
  if (sooner) changed_.notify_all();
  Tell(std::move(due));
}

void Admission::Leave(uint64_t ticket) {
  Outcome unwanted;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (const auto it = waiting_.find(ticket); it != waiting_.end()) {
      unwanted = std::move(it->second.outcome);
      waiting_.erase(it);
    }
    if (!queue_.Leave(ticket, clock_->Now())) return;
    dirty_ = true;
  }
  changed_.notify_all();
}

void Admission::SetCapacity(const AdmissionCapacity& capacity) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    queue_.SetCapacity(capacity);
    dirty_ = true;
  }
  changed_.notify_all();
}

AdmissionCapacity Admission::running() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return {queue_.running(), queue_.running_tokens()};
}

std::vector<Admission::Due> Admission::DecideLocked() {
  std::vector<Due> due;
  const absl::Time now = clock_->Now();
  for (AdmissionDecision& decision : queue_.Decide(now)) {
    const auto it = waiting_.find(decision.id);
    if (it == waiting_.end()) continue;
    if (probe_ != nullptr) probe_->Decided(decision.status, now - it->second.since);
    due.push_back({std::move(it->second.outcome), std::move(decision.status)});
    waiting_.erase(it);
  }
  if (probe_ != nullptr) probe_->Update(queue_);
  return due;
}

void Admission::Tell(std::vector<Due> due) {
  for (Due& one : due) one.outcome(std::move(one.status));
}

void Admission::Watch() {
  std::unique_lock<std::mutex> lock(mutex_);
  while (!stopping_) {
    const absl::Time now = clock_->Now();
    wakes_at_ = std::min(queue_.NextEvent(), now + absl::Hours(1));
    if (!dirty_ && wakes_at_ > now) {
      changed_.wait_for(lock, absl::ToChronoNanoseconds(wakes_at_ - now));
      continue;
    }
    dirty_ = false;
    std::vector<Due> due = DecideLocked();
    lock.unlock();
    Tell(std::move(due));
    lock.lock();
  }
}

}  // namespace baleen
