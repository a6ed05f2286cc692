#include "services/router/dispatcher.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/router/call_codec.h"
#include "transport/limits.h"

namespace baleen {

namespace {

// A reply of this size still fits a frame with room to spare.
constexpr int64_t kMaxReplyBytes = kMaxPayloadBytes / 2;
// A shard that refused a call gets none for this long, so that a retry does not spin.
constexpr absl::Duration kErrorPause = absl::Milliseconds(50);

absl::Status Lacking(const char* what, int layer, int expert, const absl::Status& why) {
  return absl::UnavailableError(absl::StrCat(what, " of layer ", layer, " expert ", expert, why.ok() ? "" : ": ", why.message()));
}

}  // namespace

Dispatcher::Dispatcher(RouterOptions options, Connector* connector, prometheus::Registry* metrics)
    : options_(std::move(options)), connector_(connector), probe_(metrics) {}

void Dispatcher::UpdateMap(const v1::ClusterMap& map) {
  {
    std::lock_guard lock(mu_);
    if (stopping_ || map.epoch() < epoch_) return;
    epoch_ = map.epoch();
    ReplicaTable table(map, options_.numerics_id);
    shards_ = SwapShards(table);
    table_ = std::move(table);
    dirty_ = true;
  }
  upkeep_due_.notify_all();
}

std::vector<std::shared_ptr<Shard>> Dispatcher::SwapShards(const ReplicaTable& table) {
  std::map<std::string, std::shared_ptr<Shard>> known;
  for (const auto& shard : shards_) known[shard->worker_id] = shard;
  std::vector<std::shared_ptr<Shard>> shards;
  for (const ShardInfo& info : table.shards()) {
    std::shared_ptr<Shard>& shard = known[info.worker_id];
    if (shard == nullptr) {
      shard = std::make_shared<Shard>();
      shard->worker_id = info.worker_id;
      shard->link = MakeLink(shard, info.address);
    }
    shard->draining = info.draining;
    shards.push_back(std::exchange(shard, nullptr));
  }
  for (auto& [worker_id, shard] : known) {
    if (shard == nullptr) continue;
    shard->retired = true;
    retired_.insert(shard);
  }
  return shards;
}

std::shared_ptr<ShardLink> Dispatcher::MakeLink(const std::shared_ptr<Shard>& shard, const std::string& address) {
  const std::weak_ptr<Dispatcher> self = weak_from_this();
  const std::weak_ptr<Shard> weak = shard;
  ShardEvents events;
  events.on_reply = [self, weak](const v1::ExpertReplyHeader& reply, const Payload& payload) {
    const auto dispatcher = self.lock();
    const auto shard = weak.lock();
    if (dispatcher != nullptr && shard != nullptr) dispatcher->OnReply(shard, reply, payload);
  };
  events.on_up = [self] {
    if (const auto dispatcher = self.lock()) dispatcher->OnUp();
  };
  events.on_down = [self, weak](absl::Status status) {
    const auto dispatcher = self.lock();
    const auto shard = weak.lock();
    if (dispatcher != nullptr && shard != nullptr) dispatcher->OnDown(shard, status);
  };
  return std::make_shared<ShardLink>(connector_, address, options_.numerics_id, options_.attempt_timeout, std::move(events));
}

absl::Status Dispatcher::Ready(int first_layer, int layers, int experts) const {
  std::lock_guard lock(mu_);
  if (layers > 0 && epoch_ == 0) return absl::UnavailableError("no map from placement yet");
  std::vector<char> up(shards_.size());
  for (size_t i = 0; i < shards_.size(); ++i) up[i] = shards_[i]->link->up() ? 1 : 0;
  for (int layer = first_layer; layer < first_layer + layers; ++layer) {
    for (int expert = 0; expert < experts; ++expert) {
      const std::vector<int>& holders = table_.Holders(layer, expert);
      if (std::any_of(holders.begin(), holders.end(), [&](int shard) { return up[shard] != 0; })) continue;
      return Lacking("no connected shard", layer, expert, holders.empty() ? absl::OkStatus() : shards_[holders[0]]->link->last_error());
    }
  }
  return absl::OkStatus();
}

// Those that answer; failing them, those that are suspect or about to leave.
std::vector<int> Dispatcher::ReplicasLocked(int layer, int32_t expert, absl::Time now) const {
  std::vector<int> good;
  std::vector<int> second;
  for (const int index : table_.Holders(layer, expert)) {
    const Shard& shard = *shards_[index];
    if (!shard.link->up() || now < shard.avoid_until) continue;
    (shard.draining || now < shard.suspect_until ? second : good).push_back(index);
  }
  return good.empty() ? second : good;
}

Dispatcher::Calls Dispatcher::PlanLocked(const std::shared_ptr<PendingBatch>& batch, absl::Time now) {
  if (batch->parked.empty()) return {};
  const ExpertBatch& spec = batch->spec;
  DispatchInput input;
  input.top_k = spec.top_k;
  input.expert_ids = spec.expert_ids;
  input.slots = batch->parked;
  input.replicas = [&](int32_t expert) { return ReplicasLocked(spec.layer, expert, now); };
  for (const auto& shard : shards_) input.load.push_back(shard->in_flight);
  const int64_t row_bytes = spec.hidden * static_cast<int64_t>(SizeOf(options_.wire));
  input.max_call_slots = std::max<int64_t>(spec.top_k, kMaxReplyBytes / row_bytes);
  DispatchPlan plan = PlanDispatch(input);
  batch->parked = std::move(plan.parked);
  Calls calls;
  for (ShardCall& work : plan.calls) {
    auto call = std::make_shared<PendingCall>();
    call->id = next_call_id_++;
    call->epoch = epoch_;
    call->batch = batch;
    call->shard = shards_[work.shard];
    call->sent = now;
    call->shard->in_flight += static_cast<int64_t>(work.slots.size());
    call->work = std::move(work);
    calls_.emplace(call->id, call);
    ++batch->users;
    calls.push_back(std::move(call));
  }
  CountParkedLocked();
  return calls;
}

void Dispatcher::SendAll(const Calls& calls) {
  for (const auto& call : calls) {
    const CallInfo info{call->id, call->epoch, call->batch->deadline, options_.numerics_id, options_.wire};
    const absl::Status sent = call->shard->link->Send(EncodeCall(call->batch->spec, call->work, info));
    probe_.CallSent(static_cast<int64_t>(call->work.rows.size()));
    std::lock_guard lock(mu_);
    --call->batch->users;
    if (!sent.ok()) RefusedLocked(*call->shard, call->id, sent);
    batches_changed_.notify_all();
  }
}

// Its slots wait for the next plan. Nothing to do if the call has ended otherwise.
void Dispatcher::FailLocked(uint64_t call_id, const absl::Status& error) {
  const auto it = calls_.find(call_id);
  if (it == calls_.end()) return;
  const std::shared_ptr<PendingCall> call = it->second;
  calls_.erase(it);
  call->shard->in_flight -= static_cast<int64_t>(call->work.slots.size());
  PendingBatch& batch = *call->batch;
  batch.last_error = error;
  const auto middle = static_cast<ptrdiff_t>(batch.parked.size());
  batch.parked.insert(batch.parked.end(), call->work.slots.begin(), call->work.slots.end());
  std::inplace_merge(batch.parked.begin(), batch.parked.begin() + middle, batch.parked.end());
  probe_.CallRetried();
  CountParkedLocked();
  dirty_ = true;
  upkeep_due_.notify_all();
}

void Dispatcher::RefusedLocked(Shard& shard, uint64_t call_id, const absl::Status& error) {
  shard.avoid_until = absl::Now() + kErrorPause;
  FailLocked(call_id, error);
}

void Dispatcher::CountParkedLocked() {
  int64_t parked = 0;
  for (const auto& batch : batches_) parked += static_cast<int64_t>(batch->parked.size());
  probe_.Parked(parked);
}

std::shared_ptr<PendingBatch> Dispatcher::Begin(const ExpertBatch& spec) {
  const absl::Time now = absl::Now();
  auto batch = std::make_shared<PendingBatch>();
  batch->spec = spec;
  batch->deadline = std::min(spec.deadline, now + options_.batch_deadline);
  batch->remaining = spec.rows * spec.top_k;
  batch->parked.resize(static_cast<size_t>(batch->remaining));
  for (size_t slot = 0; slot < batch->parked.size(); ++slot) batch->parked[slot] = static_cast<int64_t>(slot);
  Calls calls;
  {
    std::lock_guard lock(mu_);
    batches_.insert(batch);
    calls = PlanLocked(batch, now);
  }
  SendAll(calls);
  return batch;
}

absl::Status Dispatcher::Wait(const std::shared_ptr<PendingBatch>& batch) {
  std::unique_lock lock(mu_);
  batches_changed_.wait_until(lock, absl::ToChronoTime(batch->deadline), [&] { return batch->remaining == 0 || stopping_; });
  return EndLocked(batch, lock);
}

void Dispatcher::Abandon(const std::shared_ptr<PendingBatch>& batch) {
  std::unique_lock lock(mu_);
  (void)EndLocked(batch, lock);
}

absl::Status Dispatcher::EndLocked(const std::shared_ptr<PendingBatch>& batch, std::unique_lock<std::mutex>& lock) {
  batches_.erase(batch);
  int64_t lost = batch->parked.empty() ? -1 : batch->parked.front();
  for (auto it = calls_.begin(); it != calls_.end();) {
    PendingCall& call = *it->second;
    if (call.batch != batch) {
      ++it;
      continue;
    }
    call.shard->in_flight -= static_cast<int64_t>(call.work.slots.size());
    if (lost < 0) lost = call.work.slots.front();
    it = calls_.erase(it);
  }
  batch->parked.clear();
  CountParkedLocked();
  batches_changed_.wait(lock, [&] { return batch->users == 0; });
  if (batch->remaining == 0) return absl::OkStatus();
  if (lost < 0) return absl::UnavailableError(absl::StrCat("no output of layer ", batch->spec.layer, " within the deadline"));
  return Lacking("no output", batch->spec.layer, batch->spec.expert_ids[lost], batch->last_error);
}

}  // namespace baleen
