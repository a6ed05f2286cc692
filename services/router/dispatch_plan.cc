#include "services/router/dispatch_plan.h"

#include <map>
#include <utility>

namespace baleen {

namespace {

constexpr int kNone = -1;

int LeastLoaded(const DispatchInput& input, const std::vector<int>& replicas, const std::vector<int64_t>& load, int64_t count) {
  int best = kNone;
  double best_work = 0;
  for (const int shard : replicas) {
    const int64_t cost = input.slot_cost.empty() ? 1 : input.slot_cost[shard];
    const double work = static_cast<double>(load[shard] + count) * static_cast<double>(cost);
    if (best != kNone && work >= best_work) continue;
    best = shard;
    best_work = work;
  }
  return best;
}

std::map<int32_t, int> ChooseShards(const DispatchInput& input) {
  std::map<int32_t, int64_t> slots_of;
  for (const int64_t slot : input.slots) ++slots_of[input.expert_ids[slot]];
  std::vector<int64_t> load = input.load;
  std::map<int32_t, int> shard_of;
  std::vector<int> replicas;
  for (const auto& [expert, count] : slots_of) {
    replicas.clear();
    input.replicas(expert, &replicas);
    const int shard = LeastLoaded(input, replicas, load, count);
    if (shard != kNone) load[shard] += count;
    shard_of[expert] = shard;
  }
  return shard_of;
}

void Append(const DispatchInput& input, int64_t slot, ShardCall* call) {
  const int64_t row = slot / input.top_k;
  if (call->rows.empty() || call->rows.back() != row) {
    call->rows.push_back(row);
    call->experts_per_row.push_back(0);
  }
  ++call->experts_per_row.back();
  call->expert_ids.push_back(static_cast<uint32_t>(input.expert_ids[slot]));
  call->slots.push_back(slot);
}

// A full message is only left at a row's start, so that no row is sent twice.
bool IsFull(const DispatchInput& input, const ShardCall& call, int64_t slot) {
  const bool new_row = call.rows.empty() || call.rows.back() != slot / input.top_k;
  return new_row && static_cast<int64_t>(call.slots.size()) + input.top_k > input.max_call_slots && !call.slots.empty();
}

}  // namespace

DispatchPlan PlanDispatch(const DispatchInput& input) {
  const std::map<int32_t, int> shard_of = ChooseShards(input);
  DispatchPlan plan;
  std::map<int, ShardCall> open;
  for (const int64_t slot : input.slots) {
    const int shard = shard_of.at(input.expert_ids[slot]);
    if (shard == kNone) {
      plan.parked.push_back(slot);
      continue;
    }
    ShardCall& call = open[shard];
    if (IsFull(input, call, slot)) plan.calls.push_back(std::exchange(call, {}));
    call.shard = shard;
    Append(input, slot, &call);
  }
  for (auto& [shard, call] : open) plan.calls.push_back(std::move(call));
  return plan;
}

}  // namespace baleen
