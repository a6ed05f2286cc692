// Time as a dependency, so that simulated time can stand in.
#ifndef BALEEN_BASE_CLOCK_H_
#define BALEEN_BASE_CLOCK_H_

#include "absl/time/time.h"

namespace baleen {

// Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;
  // Wall time: for deadlines that cross processes.
  virtual absl::Time Now() = 0;
  virtual void Sleep(absl::Duration duration) = 0;

  // The machine's clock; lives as long as the process.
  static Clock* Real();
};

}  // namespace baleen

#endif  // BALEEN_BASE_CLOCK_H_
