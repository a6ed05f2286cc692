#include "services/router/dispatch_core.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"

namespace baleen {

DispatchCore::DispatchCore(DispatchPolicy policy)
    : policy_(policy), latency_(policy.hedge_unknown, policy.hedge_floor), hedges_left_(policy.hedge_burst) {}

DispatchCore::Shard& DispatchCore::ShardOf(const std::string& worker_id) {
  std::unique_ptr<Shard>& shard = shards_[worker_id];
  if (shard == nullptr) {
    shard = std::make_unique<Shard>();
    shard->worker_id = worker_id;
  }
  return *shard;
}

DispatchCore::Shard* DispatchCore::FindShard(const std::string& worker_id) {
  const auto it = shards_.find(worker_id);
  return it == shards_.end() ? nullptr : it->second.get();
}

ReplicaTable DispatchCore::SetMap(ReplicaTable table, absl::Time now) {
  const std::set<const Shard*> before(by_index_.begin(), by_index_.end());
  std::swap(table_, table);
  for (const auto& [worker_id, shard] : shards_) shard->in_map = false;
  by_index_.clear();
  for (const ShardInfo& info : table_.shards()) {
    Shard& shard = ShardOf(info.worker_id);
    shard.in_map = true;
    shard.draining = info.draining;
    by_index_.push_back(&shard);
  }
  for (const auto& [worker_id, shard] : shards_) CountEjected(*shard);
  for (auto& [id, call] : calls_) {
    if (call.shard->in_map || before.count(call.shard) == 0) continue;
    call.hedge_at = std::min(call.hedge_at, now);
    call.uncopied.reset();
  }
  return table;
}

std::vector<std::string> DispatchCore::TakeForgotten() {
  std::vector<std::string> gone;
  for (auto it = shards_.begin(); it != shards_.end();) {
    if (it->second->in_map || it->second->slots_out > 0) {
      ++it;
      continue;
    }
    gone.push_back(it->first);
    it = shards_.erase(it);
  }
  return gone;
}

void DispatchCore::Connected(const std::string& worker_id) {
  Shard* shard = FindShard(worker_id);
  if (shard == nullptr) return;
  shard->connected = true;
  shard->health.Connected();
  CountEjected(*shard);
}

void DispatchCore::Disconnected(const std::string& worker_id, const absl::Status& why) {
  Shard* shard = FindShard(worker_id);
  if (shard == nullptr) return;
  shard->connected = false;
  for (auto it = calls_.begin(); it != calls_.end();) {
    const auto call = it++;
    if (call->second.shard == shard) Lose(call, absl::UnavailableError(absl::StrCat(worker_id, ": ", why.message())));
  }
}

bool DispatchCore::IsConnected(const std::string& worker_id) const {
  const auto it = shards_.find(worker_id);
  return it != shards_.end() && it->second->connected;
}

BatchId DispatchCore::Begin(const BatchShape& shape) {
  const int64_t slots = shape.rows * shape.top_k;
  Batch batch{shape, SlotBook(slots), {}, absl::OkStatus()};
  batch.parked.resize(static_cast<size_t>(slots));
  for (int64_t slot = 0; slot < slots; ++slot) batch.parked[static_cast<size_t>(slot)] = slot;
  stats_.parked += slots;
  batches_.emplace(next_id_, std::move(batch));
  return next_id_++;
}

std::optional<DispatchCore::Expected> DispatchCore::ExpectedOf(uint64_t call_id, const std::string& worker_id) const {
  const auto it = calls_.find(call_id);
  if (it == calls_.end() || it->second.shard->worker_id != worker_id || batches_.count(it->second.batch) == 0) return std::nullopt;
  return Expected{it->second.batch, it->second.work->slots.size()};
}

std::optional<ClaimedAnswer> DispatchCore::Answered(uint64_t call_id, const std::string& worker_id, absl::Time now) {
  const auto it = calls_.find(call_id);
  if (it == calls_.end() || it->second.shard->worker_id != worker_id) {
    Alive(worker_id, now);
    return std::nullopt;
  }
  Call& call = it->second;
  const auto slots = static_cast<int64_t>(call.work->slots.size());
  latency_.Observe(slots, now - call.sent);
  hedges_left_ = std::min(policy_.hedge_burst, hedges_left_ + 1 / policy_.answers_per_hedge);
  if (call.overdue) {
    call.shard->health.Alive(now);
  } else {
    call.shard->health.Answered(now, slots, now - call.sent);
  }
  CountEjected(*call.shard);
  ClaimedAnswer answer{call.batch, call.work, {}, now - call.sent};
  const auto batch = batches_.find(call.batch);
  if (batch != batches_.end()) answer.places = batch->second.book.Claim(call.work->slots);
  Forget(it);
  if (answer.places.empty()) return std::nullopt;
  return answer;
}

void DispatchCore::Refused(uint64_t call_id, const std::string& worker_id, const absl::Status& why, absl::Time now) {
  const auto it = calls_.find(call_id);
  if (it == calls_.end() || it->second.shard->worker_id != worker_id) return Alive(worker_id, now);
  // One that came too late for its batch says nothing against its shard, and others' calls are in time there.
  Shard& shard = *it->second.shard;
  absl::IsDeadlineExceeded(why) ? shard.health.Alive(now) : shard.health.Refused(now);
  CountEjected(shard);
  Lose(it, why);
}

void DispatchCore::NotSent(uint64_t call_id, const std::string& worker_id, const absl::Status& why, absl::Time now) {
  const auto it = calls_.find(call_id);
  if (it == calls_.end() || it->second.shard->worker_id != worker_id) return;  // Its stream broke, which says it all.
  it->second.shard->health.Refused(now);
  Lose(it, why);
}

void DispatchCore::Alive(const std::string& worker_id, absl::Time now) {
  Shard* shard = FindShard(worker_id);
  if (shard == nullptr) return;
  shard->health.Alive(now);
  CountEjected(*shard);
}

void DispatchCore::Lose(Calls::iterator it, const absl::Status& why) {
  const auto batch = batches_.find(it->second.batch);
  if (batch != batches_.end()) {
    const std::vector<int64_t> lost = batch->second.book.Lose(it->second.work->slots);
    std::vector<int64_t>& parked = batch->second.parked;
    const auto middle = static_cast<ptrdiff_t>(parked.size());
    parked.insert(parked.end(), lost.begin(), lost.end());
    std::inplace_merge(parked.begin(), parked.begin() + middle, parked.end());
    batch->second.last_error = why;
    CopyAgain(it->second);
    stats_.parked += static_cast<int64_t>(lost.size());
    ++stats_.retries;
  }
  Forget(it);
}

void DispatchCore::CopyAgain(const Call& lost) {
  for (auto& [id, call] : calls_) {
    if (&call == &lost || call.batch != lost.batch || !call.overdue || !call.uncopied) continue;
    std::vector<int64_t> shared;
    std::set_intersection(call.work->slots.begin(), call.work->slots.end(), lost.work->slots.begin(), lost.work->slots.end(),
                          std::back_inserter(shared));
    if (shared.empty()) continue;
    std::vector<int64_t> wanted;
    std::set_union(call.uncopied->begin(), call.uncopied->end(), shared.begin(), shared.end(), std::back_inserter(wanted));
    call.uncopied = std::move(wanted);
    call.hedge_at = absl::InfinitePast();
  }
}

void DispatchCore::Forget(Calls::iterator it) {
  it->second.shard->slots_out -= static_cast<int64_t>(it->second.work->slots.size());
  calls_.erase(it);
}

void DispatchCore::Written(BatchId batch, size_t slots) {
  const auto it = batches_.find(batch);
  if (it != batches_.end()) it->second.book.Written(static_cast<int64_t>(slots));
}

bool DispatchCore::Complete(BatchId batch) const {
  const auto it = batches_.find(batch);
  return it != batches_.end() && it->second.book.unwritten() == 0;
}

absl::Status DispatchCore::End(BatchId id) {
  const auto it = batches_.find(id);
  if (it == batches_.end()) return absl::OkStatus();
  const Batch batch = std::move(it->second);
  batches_.erase(it);
  stats_.parked -= static_cast<int64_t>(batch.parked.size());
  if (batch.book.unwritten() == 0) return absl::OkStatus();
  int64_t lost = batch.parked.empty() ? -1 : batch.parked.front();
  for (const auto& [call_id, call] : calls_) {
    if (lost >= 0 || call.batch != id) continue;
    const std::vector<int64_t> left = batch.book.Unclaimed(call.work->slots);
    if (!left.empty()) lost = left.front();
  }
  const std::string where = lost < 0 ? "" : absl::StrCat(" expert ", batch.shape.expert_ids[lost]);
  const std::string why = batch.last_error.ok() ? "" : absl::StrCat(": ", std::string(batch.last_error.message()));
  return absl::UnavailableError(absl::StrCat("no output of layer ", batch.shape.layer, where, why));
}

void DispatchCore::CountEjected(Shard& shard) {
  const bool counts = shard.in_map && shard.health.ejected();
  if (std::exchange(shard.counted, counts) != counts) stats_.ejected += counts ? 1 : -1;
}

}  // namespace baleen
