// Time as a dependency, so that simulated time can stand in.
#ifndef BALEEN_BASE_CLOCK_H_
#define BALEEN_BASE_CLOCK_H_

#include "absl/time/time.h"

namespace baleen {

// Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;
  // Never jumps. The differences are what counts: it starts near the wall clock, which may be set, and no two processes need agree on it,
  // so that durations cross processes, points of time do not.
  virtual absl::Time Now() = 0;
  virtual void Sleep(absl::Duration duration) = 0;

  // The machine's monotonic clock; lives as long as the process.
  static Clock* Real();
};

}  // namespace baleen

#endif  // BALEEN_BASE_CLOCK_H_
