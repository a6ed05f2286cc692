// How much of the time that rows are away their worker computes something else.
#ifndef BALEEN_SERVICES_ROUTER_BUSY_CLOCK_H_
#define BALEEN_SERVICES_ROUTER_BUSY_CLOCK_H_

#include <optional>

#include "absl/time/time.h"

namespace baleen {

// Stands still while the worker waits for experts. Thread-compatible; times come from the caller and never go back.
class BusyClock {
 public:
  void Stop(absl::Time now) { stopped_ = now; }
  void Go(absl::Time now) {
    stopped_for_ += now - *stopped_;
    stopped_.reset();
  }
  // Differences count.
  absl::Time At(absl::Time now) const { return stopped_.value_or(now) - stopped_for_; }

 private:
  std::optional<absl::Time> stopped_;
  absl::Duration stopped_for_;
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_ROUTER_BUSY_CLOCK_H_
