// Which decode worker goes on with a sequence when its own dies: workers copy KV there, gateways turn there.
#ifndef BALEEN_SERVICES_COMMON_STANDBY_H_
#define BALEEN_SERVICES_COMMON_STANDBY_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

namespace baleen {

namespace v1 {
class ClusterMap;
class Worker;
}  // namespace v1

// A sequence by its request's id and its choice, for as long as it runs on `worker_id`.
struct StandbyKey {
  absl::string_view request_id;
  uint32_t choice = 0;
  absl::string_view worker_id;
  absl::string_view numerics_id;
};

// Of the other decode workers that would take it now, the one that this key ranks highest (rendezvous hashing, Thaler and Ravishankar
// 1998): whoever asks with the same map finds the same, a worker's sequences are spread over all others, and one that comes or goes moves
// only its own. Null without another. Points into the map.
const v1::Worker* StandbyOf(const v1::ClusterMap& map, const StandbyKey& key);

}  // namespace baleen

#endif  // BALEEN_SERVICES_COMMON_STANDBY_H_
