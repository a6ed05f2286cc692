// A dispatched batch's memory and who touches it.
#ifndef BALEEN_SERVICES_ROUTER_PENDING_BATCH_H_
#define BALEEN_SERVICES_ROUTER_PENDING_BATCH_H_

#include <vector>

#include "absl/time/time.h"
#include "model/layers/expert_backend.h"
#include "services/router/dispatch_core.h"
#include "transport/transport.h"

namespace baleen {

// Guarded by the dispatcher's mutex, but for the rows: who reads them without the mutex counts in `users`.
struct PendingBatch {
  ExpertBatch spec;
  BatchId id = 0;
  absl::Time deadline;
  absl::Time begun;
  absl::Time busy_from = absl::InfiniteFuture();  // By the busy clock: when all was sent.
  int users = 0;
  std::vector<Payload> replies;  // What spec.outputs points into.
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_ROUTER_PENDING_BATCH_H_
