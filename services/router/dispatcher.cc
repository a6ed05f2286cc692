#include "services/router/dispatcher.h"

#include <algorithm>
#include <array>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/clock.h"
#include "services/common/deadline.h"
#include "services/router/call_codec.h"
#include "transport/limits.h"

namespace baleen {

namespace {

// A reply of this size still fits a frame with room to spare.
constexpr int64_t kMaxReplyBytes = kMaxPayloadBytes / 2;

}  // namespace

Dispatcher::Dispatcher(RouterOptions options, Connector* connector, prometheus::Registry* metrics)
    : options_(std::move(options)), connector_(connector), probe_(metrics), core_(options_.policy) {}

void Dispatcher::UpdateMap(const v1::ClusterMap& map) {
  // Made, and the one before freed, without the lock: a large cluster's has thousands of parts.
  ReplicaTable table(map, options_.numerics_id);
  std::lock_guard lock(mu_);
  if (stopping_ || map.epoch() < epoch_) return;
  epoch_ = map.epoch();
  readiness_.reset();
  table = core_.SetMap(std::move(table), Clock::Real()->Now());
  for (const ShardInfo& info : core_.table().shards()) {
    std::shared_ptr<ShardLink>& link = links_[info.worker_id];
    if (link == nullptr) link = MakeLink(info.worker_id, info.address);
  }
  WakeLocked();
}

std::shared_ptr<ShardLink> Dispatcher::MakeLink(const std::string& worker_id, const std::string& address) {
  const std::weak_ptr<Dispatcher> self = weak_from_this();
  ShardEvents events;
  events.on_reply = [self, worker_id](const ShardLink& link, const v1::ExpertReplyHeader& reply, const Payload& payload) {
    if (const auto dispatcher = self.lock()) dispatcher->OnReply(worker_id, link, reply, payload);
  };
  events.on_up = [self, worker_id](const ShardLink& link) {
    if (const auto dispatcher = self.lock()) dispatcher->OnUp(worker_id, link);
  };
  events.on_alive = [self, worker_id](const ShardLink& link) {
    if (const auto dispatcher = self.lock()) dispatcher->OnAlive(worker_id, link);
  };
  events.on_down = [self, worker_id](const ShardLink& link, absl::Status status) {
    if (const auto dispatcher = self.lock()) dispatcher->OnDown(worker_id, link, status);
  };
  return std::make_shared<ShardLink>(connector_, address, options_.numerics_id, options_.policy.attempt_timeout, std::move(events));
}

absl::Status Dispatcher::Ready(int first_layer, int layers, int experts) const {
  std::lock_guard lock(mu_);
  const std::array<int, 3> asked = {first_layer, layers, experts};
  if (!readiness_ || readiness_->first != asked) readiness_ = {asked, ReadyLocked(first_layer, layers, experts)};
  return readiness_->second;
}

absl::Status Dispatcher::ReadyLocked(int first_layer, int layers, int experts) const {
  if (layers > 0 && epoch_ == 0) return absl::UnavailableError("no map from placement yet");
  const std::vector<ShardInfo>& shards = core_.table().shards();
  std::vector<char> up;
  for (const ShardInfo& shard : shards) up.push_back(core_.IsConnected(shard.worker_id) ? 1 : 0);
  for (int layer = first_layer; layer < first_layer + layers; ++layer) {
    for (int expert = 0; expert < experts; ++expert) {
      const std::vector<int>& holders = core_.table().Holders(layer, expert);
      if (std::any_of(holders.begin(), holders.end(), [&](int shard) { return up[shard] != 0; })) continue;
      const std::string why =
          holders.empty() ? "" : absl::StrCat(": ", std::string(links_.at(shards[holders[0]].worker_id)->last_error().message()));
      return absl::UnavailableError(absl::StrCat("no connected shard of layer ", layer, " expert ", expert, why));
    }
  }
  return absl::OkStatus();
}

std::vector<Dispatcher::Sending> Dispatcher::PrepareLocked(std::vector<OutgoingCall> calls) {
  std::vector<Sending> sending;
  for (OutgoingCall& call : calls) {
    const std::shared_ptr<PendingBatch>& batch = batches_.at(call.batch);
    ++batch->users;
    const std::shared_ptr<ShardLink>& link = links_.at(call.worker_id);
    sending.push_back({std::move(call), batch, link, epoch_});
  }
  probe_.Decided(core_.stats());
  return sending;
}

void Dispatcher::SendAll(const std::vector<Sending>& calls) {
  for (const Sending& sending : calls) {
    const int64_t timeout_ms = TimeoutMs(sending.batch->deadline, Clock::Real()->Now());
    const CallInfo info{sending.call.id, sending.epoch, timeout_ms, options_.numerics_id};
    const absl::Status sent = sending.link->Send(EncodeCall(sending.batch->spec, *sending.call.work, info));
    probe_.CallSent(static_cast<int64_t>(sending.call.work->rows.size()));
    std::lock_guard lock(mu_);
    if (--sending.batch->users == 0) batches_changed_.notify_all();
    if (!sent.ok()) {
      core_.NotSent(sending.call.id, sending.call.worker_id, sent, Clock::Real()->Now());
      WakeLocked();
    }
  }
}

std::shared_ptr<PendingBatch> Dispatcher::Begin(const ExpertBatch& spec) {
  const absl::Time now = Clock::Real()->Now();
  auto batch = std::make_shared<PendingBatch>();
  batch->spec = spec;
  batch->begun = now;
  batch->deadline = std::min(spec.deadline, now + options_.batch_deadline);
  const int64_t row_bytes = spec.hidden * static_cast<int64_t>(SizeOf(spec.wire));
  BatchShape shape{spec.layer, spec.rows, spec.top_k, spec.expert_ids, std::max<int64_t>(spec.top_k, kMaxReplyBytes / row_bytes)};
  std::vector<Sending> sending;
  {
    std::lock_guard lock(mu_);
    batch->id = core_.Begin(shape);
    batches_[batch->id] = batch;
    sending = PrepareLocked(core_.PlanBatch(batch->id, now));
    if (std::exchange(idle_, false)) WakeLocked();
  }
  SendAll(sending);
  std::lock_guard lock(mu_);
  batch->busy_from = busy_.At(Clock::Real()->Now());
  return batch;
}

absl::Status Dispatcher::Wait(const std::shared_ptr<PendingBatch>& batch) {
  std::unique_lock lock(mu_);
  busy_.Stop(Clock::Real()->Now());
  const auto left = absl::ToChronoNanoseconds(batch->deadline - Clock::Real()->Now());
  batches_changed_.wait_for(lock, left, [&] { return core_.Complete(batch->id) || stopping_; });
  busy_.Go(Clock::Real()->Now());
  return EndLocked(batch, lock);
}

void Dispatcher::Abandon(const std::shared_ptr<PendingBatch>& batch) {
  std::unique_lock lock(mu_);
  (void)EndLocked(batch, lock);
}

absl::Status Dispatcher::EndLocked(const std::shared_ptr<PendingBatch>& batch, std::unique_lock<std::mutex>& lock) {
  const absl::Status status = core_.End(batch->id);
  batches_.erase(batch->id);
  probe_.Decided(core_.stats());
  batches_changed_.wait(lock, [&] { return batch->users == 0; });
  return status;
}

}  // namespace baleen
