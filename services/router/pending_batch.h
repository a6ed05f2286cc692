// A dispatched batch and the calls that carry its parts.
#ifndef BALEEN_SERVICES_ROUTER_PENDING_BATCH_H_
#define BALEEN_SERVICES_ROUTER_PENDING_BATCH_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "model/layers/expert_backend.h"
#include "services/router/dispatch_plan.h"
#include "services/router/shard_link.h"

namespace baleen {

// All guarded by the dispatcher's mutex, but for the batch's memory: who reads or writes that without the mutex counts in `users`.
struct PendingBatch {
  ExpertBatch spec;
  absl::Time deadline;
  std::vector<int64_t> parked;  // Slots to send, ascending.
  int64_t remaining = 0;        // Slots without an output yet.
  int users = 0;
  absl::Status last_error;
};

struct Shard {
  std::string worker_id;
  std::shared_ptr<ShardLink> link;
  int64_t in_flight = 0;  // Slots.
  bool draining = false;
  bool retired = false;                             // Out of the map; its last calls may still end well.
  absl::Time avoid_until = absl::InfinitePast();    // It answered with an error.
  absl::Time suspect_until = absl::InfinitePast();  // It did not answer; others are better.
};

// One message in flight.
struct PendingCall {
  uint64_t id = 0;
  uint64_t epoch = 0;
  std::shared_ptr<PendingBatch> batch;
  std::shared_ptr<Shard> shard;
  ShardCall work;
  absl::Time sent;
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_ROUTER_PENDING_BATCH_H_
