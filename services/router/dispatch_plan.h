// Which rows go to which shard: a pure function of the batch, the replicas and their load.
#ifndef BALEEN_SERVICES_ROUTER_DISPATCH_PLAN_H_
#define BALEEN_SERVICES_ROUTER_DISPATCH_PLAN_H_

#include <cstdint>
#include <functional>
#include <vector>

#include "absl/types/span.h"

namespace baleen {

// A slot is one (row, expert) of a batch: row * top_k + its place in the row's list.
struct DispatchInput {
  int top_k = 0;
  const int32_t* expert_ids = nullptr;  // [rows, top_k]
  absl::Span<const int64_t> slots;      // What is still to be computed, ascending.
  // Adds to `shards`, which is empty, those that may compute the expert now, ascending; none = none is there.
  std::function<void(int32_t expert, std::vector<int>* shards)> replicas;
  std::vector<int64_t> load;       // By shard: slots in flight.
  std::vector<int64_t> slot_cost;  // By shard: what a slot weighs there, at least 1; empty = the same everywhere.
  int64_t max_call_slots = 0;      // Bounds one message; at least top_k.
};

// One message: each row once, with the experts that this shard computes for it.
struct ShardCall {
  int shard = 0;
  std::vector<int64_t> rows;
  std::vector<uint32_t> experts_per_row;
  std::vector<uint32_t> expert_ids;
  std::vector<int64_t> slots;  // Beside expert_ids: where each output goes.
};

struct DispatchPlan {
  std::vector<ShardCall> calls;
  std::vector<int64_t> parked;  // Slots without a replica, ascending.
};

// All rows of one expert go to one replica, the one that has the least to do (load times cost) with them, then the lowest index; experts
// are placed in ascending order.
DispatchPlan PlanDispatch(const DispatchInput& input);

}  // namespace baleen

#endif  // BALEEN_SERVICES_ROUTER_DISPATCH_PLAN_H_
