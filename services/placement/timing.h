// The periods that placement and its clients agree on.
#ifndef BALEEN_SERVICES_PLACEMENT_TIMING_H_
#define BALEEN_SERVICES_PLACEMENT_TIMING_H_

#include "absl/time/time.h"

namespace baleen {

// Six heartbeats fit into the timeout: a worker that misses all of them is gone.
inline constexpr absl::Duration kHeartbeatInterval = absl::Milliseconds(500);
inline constexpr absl::Duration kHeartbeatTimeout = absl::Seconds(3);
// How long a draining worker waits for a placement that does not answer: a dead leader's lease, an election, its successor's hold of one
// heartbeat timeout and the worker's way to it, twice over.
inline constexpr absl::Duration kReleasePatience = absl::Seconds(15);
// How often placement looks for a better plan under the measured load.
inline constexpr absl::Duration kRebalancePeriod = absl::Seconds(30);
// How often placement looks for silent workers and publishes load.
inline constexpr absl::Duration kLivenessPeriod = absl::Milliseconds(250);

}  // namespace baleen

#endif  // BALEEN_SERVICES_PLACEMENT_TIMING_H_
