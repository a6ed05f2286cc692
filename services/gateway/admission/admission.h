// Admission control: requests wait here, in bounded queues and by fair turns, until the cluster has room for them.
#ifndef BALEEN_SERVICES_GATEWAY_ADMISSION_ADMISSION_H_
#define BALEEN_SERVICES_GATEWAY_ADMISSION_ADMISSION_H_

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "base/clock.h"
#include "services/gateway/admission/admission_capacity.h"
#include "services/gateway/admission/admission_queue.h"

namespace prometheus {
class Registry;
}

namespace baleen {

// Thread-safe: AdmissionQueue with callbacks, a thread for what time decides, and metrics.
class Admission {
 public:
  // OK = run now; otherwise refused, with Retry-After where that helps.
  using Outcome = std::function<void(absl::Status)>;

  Admission(const AdmissionLimits& limits, Clock* clock, prometheus::Registry* metrics);
  ~Admission();

  // From now on nobody's turn comes but of its own Enter. Idempotent; the destructor does it too, and whoever waits then hears nothing
  // more.
  void Stop();

  // The refusal that Enter is sure to give a request that asks for this much or more, before more is known of it; counted as Enter's are.
  // OK = it has to enter.
  absl::Status Foresee(const AdmissionRequest& least);
  uint64_t NewTicket();
  // `outcome` is called once, without locks, on any thread, maybe before this returns; not at all after Leave.
  void Enter(uint64_t ticket, const AdmissionRequest& request, Outcome outcome);
  // The request is over, or not wanted any more. Once for each ticket that was not refused; more do no harm.
  void Leave(uint64_t ticket);
  // What the cluster can run for this gateway.
  void SetCapacity(const AdmissionCapacity& capacity);
  AdmissionCapacity running() const;

 private:
  struct Probe;
  struct Waiting {
    Outcome outcome;
    absl::Time since;
  };
  struct Due {
    Outcome outcome;
    absl::Status status;
  };

  std::vector<Due> DecideLocked();
  static void Tell(std::vector<Due> due);
  void Watch();

  Clock* const clock_;
  const std::unique_ptr<Probe> probe_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool dirty_ = false;  // There may be room again: told by the thread, so that one request's end does not run the next one's start.
  bool stopping_ = false;
  absl::Time wakes_at_ = absl::InfiniteFuture();  // When the thread looks by itself.
  uint64_t last_ticket_ = 0;
  AdmissionQueue queue_;
  std::map<uint64_t, Waiting> waiting_;
  std::thread watch_;
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_GATEWAY_ADMISSION_ADMISSION_H_
