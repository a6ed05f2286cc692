// Deadlines between processes, whose clocks need not agree: what crosses is the time that is left.
#ifndef BALEEN_SERVICES_COMMON_DEADLINE_H_
#define BALEEN_SERVICES_COMMON_DEADLINE_H_

#include <algorithm>
#include <cstdint>

#include "absl/time/time.h"

namespace baleen {

// What is left at `now`, as timeout_ms fields have it: at least 1, 0 without a deadline.
inline int64_t TimeoutMs(absl::Time deadline, absl::Time now) {
  return deadline == absl::InfiniteFuture() ? 0 : std::max<int64_t>(1, absl::ToInt64Milliseconds(deadline - now));
}

}  // namespace baleen

#endif  // BALEEN_SERVICES_COMMON_DEADLINE_H_
