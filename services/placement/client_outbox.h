// Digests on their way to placement: each is sent until a heartbeat that carried it was answered, and again after a new registration.
#ifndef BALEEN_SERVICES_PLACEMENT_CLIENT_OUTBOX_H_
#define BALEEN_SERVICES_PLACEMENT_CLIENT_OUTBOX_H_

#include <cstdint>
#include <map>
#include <string>

#include "proto/baleen/v1/placement.pb.h"

namespace baleen {

// Not thread-safe. Grows with the worker's tensors; an exchange takes as long as what is given and what is not answered.
class DigestOutbox {
 public:
  // Takes the request's digests in and puts back those that placement does not know.
  void Exchange(v1::HeartbeatRequest& request);
  // The last exchanged request was answered.
  void Answered();
  // Placement has forgotten this worker.
  void SendAllAgain();

 private:
  using Digests = std::map<std::string, uint64_t>;  // By name.
  Digests given_;
  Digests unanswered_;  // Of these.
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_PLACEMENT_CLIENT_OUTBOX_H_
