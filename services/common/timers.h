// Work for later, as a dependency, so that simulated time can stand in.
#ifndef BALEEN_SERVICES_COMMON_TIMERS_H_
#define BALEEN_SERVICES_COMMON_TIMERS_H_

#include <functional>

#include "absl/time/time.h"

namespace baleen {

// Thread-safe.
class Timers {
 public:
  virtual ~Timers() = default;
  // Calls `work` once, on any thread, after at least `delay` and never before this returns.
  virtual void After(absl::Duration delay, std::function<void()> work) = 0;

  // On gRPC's threads; lives as long as the process.
  static Timers* Real();
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_COMMON_TIMERS_H_
