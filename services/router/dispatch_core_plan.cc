// What the dispatch core sends, and when.
#include <algorithm>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/router/dispatch_core.h"

namespace baleen {

namespace {

// A shard counts as at most this many times as slow as the fastest: one that got no calls at all could never show that it has recovered.
constexpr int64_t kMaxCostRatio = 4;

}  // namespace

// Those that answer in time; failing them, the leaving that do; failing them too, for a first copy, the ejected.
void DispatchCore::AddReplicas(int layer, int32_t expert, absl::Time now, const Shard* not_at, std::vector<int>* shards) const {
  const auto add = [&](const auto& will_do) {
    for (const int index : table_.Holders(layer, expert)) {
      const Shard& shard = *by_index_[static_cast<size_t>(index)];
      if (&shard != not_at && shard.connected && will_do(shard)) shards->push_back(index);
    }
  };
  add([&](const Shard& shard) { return shard.health.Good(now) && !shard.draining; });
  if (shards->empty()) add([&](const Shard& shard) { return shard.health.Good(now); });
  if (shards->empty() && not_at == nullptr) add([&](const Shard& shard) { return shard.health.Usable(now); });
}

// Of the shards whose cost is known: one that still loads says nothing of how fast the others are, and counts as the fastest.
int64_t DispatchCore::LeastSlotCost() const {
  int64_t least = std::numeric_limits<int64_t>::max() / kMaxCostRatio;
  for (const Shard* shard : by_index_) {
    if (shard->health.slot_cost() > 0) least = std::min(least, shard->health.slot_cost());
  }
  return least;
}

DispatchPlan DispatchCore::PlaceSlots(const Batch& batch, absl::Span<const int64_t> slots, absl::Time now, const Shard* not_at) const {
  DispatchInput input;
  input.top_k = batch.shape.top_k;
  input.expert_ids = batch.shape.expert_ids;
  input.slots = slots;
  input.replicas = [&](int32_t expert, std::vector<int>* shards) { AddReplicas(batch.shape.layer, expert, now, not_at, shards); };
  const int64_t least = LeastSlotCost();
  input.load.reserve(by_index_.size());
  input.slot_cost.reserve(by_index_.size());
  for (const Shard* shard : by_index_) {
    const int64_t cost = shard->health.slot_cost();
    input.load.push_back(shard->slots_out);
    input.slot_cost.push_back(cost == 0 ? least : std::min(cost, kMaxCostRatio * least));
  }
  input.max_call_slots = batch.shape.max_call_slots;
  return PlanDispatch(input);
}

void DispatchCore::Send(BatchId id, Batch& batch, std::vector<ShardCall> calls, absl::Time now, std::vector<OutgoingCall>* out) {
  for (ShardCall& planned : calls) {
    auto work = std::make_shared<const ShardCall>(std::move(planned));
    const auto slots = static_cast<int64_t>(work->slots.size());
    const absl::Duration overdue_after = latency_.OverdueAfter(slots);
    Shard* const shard = by_index_[static_cast<size_t>(work->shard)];
    batch.book.Send(work->slots);
    shard->slots_out += slots;
    out->push_back({next_id_, id, shard->worker_id, work});
    calls_[next_id_++] = {id, shard, work, now, now + overdue_after, now + std::max(policy_.attempt_timeout, 4 * overdue_after)};
  }
}

void DispatchCore::SendParked(BatchId id, Batch& batch, absl::Time now, std::vector<OutgoingCall>* out) {
  if (batch.parked.empty()) return;
  DispatchPlan plan = PlaceSlots(batch, batch.parked, now, /*not_at=*/nullptr);
  stats_.parked += static_cast<int64_t>(plan.parked.size()) - static_cast<int64_t>(batch.parked.size());
  batch.parked = std::move(plan.parked);
  Send(id, batch, std::move(plan.calls), now, out);
}

std::vector<OutgoingCall> DispatchCore::PlanBatch(BatchId batch, absl::Time now) {
  std::vector<OutgoingCall> out;
  const auto it = batches_.find(batch);
  if (it != batches_.end()) SendParked(it->first, it->second, now, &out);
  return out;
}

std::vector<OutgoingCall> DispatchCore::Plan(absl::Time now) {
  std::vector<OutgoingCall> out;
  HedgeOverdue(now, &out);
  GiveUpLate(now);
  for (auto& [id, batch] : batches_) SendParked(id, batch, now, &out);
  return out;
}

void DispatchCore::MarkOverdue(Shard& shard, absl::Time now) {
  if (!shard.health.ejected()) ++stats_.ejections;
  shard.health.Overdue(now);
  CountEjected(shard);
}

void DispatchCore::HedgeOverdue(absl::Time now, std::vector<OutgoingCall>* out) {
  std::vector<uint64_t> due;
  for (auto& [id, call] : calls_) {
    if (now < call.hedge_at) continue;
    if (!std::exchange(call.overdue, true)) MarkOverdue(*call.shard, now);
    due.push_back(id);
  }
  for (const uint64_t id : due) {
    Call& call = calls_.at(id);
    // Where nobody else can take it now, somebody may a moment later.
    call.hedge_at = Hedge(call, now, out) ? absl::InfiniteFuture() : now + policy_.hedge_floor;
  }
}

// True when no second copy is wanted any more.
bool DispatchCore::Hedge(Call& call, absl::Time now, std::vector<OutgoingCall>* out) {
  const auto batch = batches_.find(call.batch);
  if (batch == batches_.end()) return true;
  const std::vector<int64_t> left = batch->second.book.Unclaimed(call.uncopied ? *call.uncopied : call.work->slots);
  if (left.empty()) return true;
  if (hedges_left_ < 1) return false;
  DispatchPlan plan = PlaceSlots(batch->second, left, now, call.shard);
  if (plan.calls.empty()) return false;
  call.uncopied = std::move(plan.parked);
  hedges_left_ -= 1;
  ++stats_.hedges;
  Send(call.batch, batch->second, std::move(plan.calls), now, out);
  return call.uncopied->empty();
}

void DispatchCore::GiveUpLate(absl::Time now) {
  for (auto it = calls_.begin(); it != calls_.end();) {
    const auto call = it++;
    if (now < call->second.give_up_at) continue;
    MarkOverdue(*call->second.shard, now);
    Lose(call, absl::DeadlineExceededError(
                   absl::StrCat(call->second.shard->worker_id, " did not answer within ", absl::FormatDuration(now - call->second.sent))));
  }
}

std::vector<std::string> DispatchCore::TakeProbes(absl::Time now) {
  std::vector<std::string> probes;
  for (const auto& [worker_id, shard] : shards_) {
    if (shard->connected && shard->health.TakeProbe(now)) probes.push_back(worker_id);
  }
  return probes;
}

absl::Time DispatchCore::NextEvent(absl::Time now) const {
  absl::Time next = absl::InfiniteFuture();
  for (const auto& [id, call] : calls_) next = std::min({next, call.hedge_at, call.give_up_at});
  for (const auto& [worker_id, shard] : shards_) {
    if (shard->connected) next = std::min(next, shard->health.NextEvent(now));
  }
  return next;
}

}  // namespace baleen
