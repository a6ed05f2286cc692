// How many sequences a gateway has open at each decode worker.
#ifndef BALEEN_SERVICES_GATEWAY_GENERATION_OPEN_SEQUENCES_H_
#define BALEEN_SERVICES_GATEWAY_GENERATION_OPEN_SEQUENCES_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "absl/time/time.h"
#include "services/placement/timing.h"

namespace baleen {

// Thread-safe. What Add returns may outlive it.
class OpenSequences {
 public:
  // Most() looks back at least so far, and at most twice: as old as a map's loads may be, by the worker's heartbeat and the gateway's own.
  static inline const absl::Duration kLookBack = 2 * kHeartbeatInterval;

  OpenSequences();

  // One more at the worker, until the last copy of what this returns has gone.
  std::shared_ptr<const void> Add(const std::string& worker_id, absl::Time now);
  int64_t Now(const std::string& worker_id) const;
  // By worker, the most at any one time lately; 0 for a worker that is not there.
  std::map<std::string, int64_t> Most(absl::Time now);

 private:
  class Counts;

  const std::shared_ptr<Counts> counts_;
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_GATEWAY_GENERATION_OPEN_SEQUENCES_H_
