// What happens to the dispatcher from outside and with time.
#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/router/call_codec.h"
#include "services/router/dispatcher.h"

namespace baleen {

namespace {

// Times that no event announces, such as a call's timeout, are looked at this often at least.
constexpr absl::Duration kMaxSleep = absl::Milliseconds(250);

}  // namespace

void Dispatcher::Start() {
  upkeep_ = std::thread([this] { Upkeep(); });
}

void Dispatcher::Stop() {
  std::vector<std::shared_ptr<Shard>> shards;
  {
    std::lock_guard lock(mu_);
    stopping_ = true;
    shards = shards_;
    shards.insert(shards.end(), retired_.begin(), retired_.end());
    upkeep_due_.notify_all();
    batches_changed_.notify_all();
  }
  if (upkeep_.joinable()) upkeep_.join();
  for (const auto& shard : shards) shard->link->Close();
}

void Dispatcher::OnReply(const std::shared_ptr<Shard>& shard, const v1::ExpertReplyHeader& reply, const Payload& payload) {
  std::shared_ptr<PendingCall> call;
  {
    std::lock_guard lock(mu_);
    const auto it = calls_.find(reply.call_id());
    if (it == calls_.end() || it->second->shard != shard) return;
    if (reply.code() != 0) {
      RefusedLocked(*shard, reply.call_id(),
                    absl::Status(static_cast<absl::StatusCode>(reply.code()), absl::StrCat(shard->worker_id, ": ", reply.error())));
      return;
    }
    call = it->second;
    ++call->batch->users;
  }
  const absl::Status scattered = ScatterReply(payload, call->work, options_.wire, call->batch->spec);
  std::lock_guard lock(mu_);
  PendingBatch& batch = *call->batch;
  --batch.users;
  batches_changed_.notify_all();
  if (!scattered.ok()) {
    RefusedLocked(*shard, call->id, scattered);
    return;
  }
  // It may have timed out meanwhile; then another reply writes the same bits again.
  if (calls_.erase(call->id) == 0) return;
  const auto slots = static_cast<int64_t>(call->work.slots.size());
  shard->in_flight -= slots;
  shard->suspect_until = absl::InfinitePast();
  batch.remaining -= slots;
  probe_.CallDone(absl::Now() - call->sent);
}

void Dispatcher::OnUp() {
  std::lock_guard lock(mu_);
  dirty_ = true;
  upkeep_due_.notify_all();
}

void Dispatcher::OnDown(const std::shared_ptr<Shard>& shard, const absl::Status& status) {
  std::lock_guard lock(mu_);
  std::vector<uint64_t> lost;
  for (const auto& [id, call] : calls_) {
    if (call->shard == shard) lost.push_back(id);
  }
  for (const uint64_t id : lost) FailLocked(id, absl::UnavailableError(absl::StrCat(shard->worker_id, ": ", status.message())));
  dirty_ = true;
  upkeep_due_.notify_all();
}

void Dispatcher::TimeOutLocked(absl::Time now) {
  std::vector<std::shared_ptr<PendingCall>> late;
  for (const auto& [id, call] : calls_) {
    if (now - call->sent >= options_.attempt_timeout) late.push_back(call);
  }
  for (const auto& call : late) {
    call->shard->suspect_until = now + options_.attempt_timeout;
    FailLocked(call->id, absl::DeadlineExceededError(absl::StrCat(call->shard->worker_id, " did not answer within ",
                                                                  absl::FormatDuration(options_.attempt_timeout))));
  }
}

void Dispatcher::DropRetiredLocked() {
  std::erase_if(retired_, [](const std::shared_ptr<Shard>& shard) {
    if (shard->in_flight > 0) return false;
    shard->link->Close();
    return true;
  });
}

absl::Time Dispatcher::TickLinks(std::unique_lock<std::mutex>& lock) {
  const std::vector<std::shared_ptr<Shard>> shards = shards_;
  lock.unlock();
  absl::Time next = absl::InfiniteFuture();
  for (const auto& shard : shards) next = std::min(next, shard->link->Tick(absl::Now()));
  lock.lock();
  return next;
}

absl::Time Dispatcher::NextEventLocked(absl::Time now) const {
  absl::Time next = now + std::min(kMaxSleep, options_.attempt_timeout / 4);
  for (const auto& shard : shards_) {
    if (shard->avoid_until > now) next = std::min(next, shard->avoid_until);
  }
  return next;
}

void Dispatcher::Upkeep() {
  std::unique_lock lock(mu_);
  while (!stopping_) {
    dirty_ = false;
    DropRetiredLocked();
    const absl::Time links_due = TickLinks(lock);
    const absl::Time now = absl::Now();
    TimeOutLocked(now);
    Calls calls;
    for (const auto& batch : batches_) {
      const Calls more = PlanLocked(batch, now);
      calls.insert(calls.end(), more.begin(), more.end());
    }
    if (!calls.empty()) {
      lock.unlock();
      SendAll(calls);
      lock.lock();
    }
    const absl::Time next = std::min(links_due, NextEventLocked(now));
    upkeep_due_.wait_until(lock, absl::ToChronoTime(next), [this] { return dirty_ || stopping_; });
  }
}

}  // namespace baleen
