// What happens to the dispatcher from outside and with time.
#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/clock.h"
#include "services/router/call_codec.h"
#include "services/router/dispatcher.h"

namespace baleen {

namespace {

// The longest that upkeep sleeps: the bound on how late a call sent meanwhile is found overdue.
constexpr absl::Duration kMaxSleep = absl::Milliseconds(10);
// With nothing out.
constexpr absl::Duration kIdleSleep = absl::Milliseconds(250);

}  // namespace

void Dispatcher::Start() {
  upkeep_ = std::thread([this] { Upkeep(); });
}

void Dispatcher::Stop() {
  std::map<std::string, std::shared_ptr<ShardLink>> links;
  {
    std::lock_guard lock(mu_);
    stopping_ = true;
    links = links_;
    upkeep_due_.notify_all();
    batches_changed_.notify_all();
  }
  if (upkeep_.joinable()) upkeep_.join();
  for (const auto& [worker_id, link] : links) link->Close();
}

void Dispatcher::WakeLocked() {
  dirty_ = true;
  upkeep_due_.notify_all();
}

bool Dispatcher::HeldLocked(const std::string& worker_id, const ShardLink& link) const {
  const auto it = links_.find(worker_id);
  return it != links_.end() && it->second.get() == &link;
}

void Dispatcher::OnReply(const std::string& worker_id, const ShardLink& link, const v1::ExpertReplyHeader& reply, const Payload& payload) {
  bool complete = false;
  {
    std::lock_guard lock(mu_);
    if (!HeldLocked(worker_id, link)) return;
    complete = TakeReplyLocked(worker_id, reply, payload);
  }
  // Without the mutex, which the woken thread wants at once.
  if (complete) batches_changed_.notify_all();
}

bool Dispatcher::TakeReplyLocked(const std::string& worker_id, const v1::ExpertReplyHeader& reply, const Payload& payload) {
  const absl::Time now = Clock::Real()->Now();
  absl::Status refusal;
  if (reply.code() != 0) {
    refusal = absl::Status(static_cast<absl::StatusCode>(reply.code()), absl::StrCat(worker_id, ": ", reply.error()));
  } else if (const auto expected = core_.ExpectedOf(reply.call_id(), worker_id); expected.has_value()) {
    refusal = CheckReply(payload, expected->slots, batches_.at(expected->batch)->spec);
  }
  if (!refusal.ok()) {
    core_.Refused(reply.call_id(), worker_id, refusal, now);
    WakeLocked();
    return false;
  }
  const std::optional<ClaimedAnswer> answer = core_.Answered(reply.call_id(), worker_id, now);
  if (!answer.has_value()) return false;
  probe_.CallDone(answer->took);
  PendingBatch& batch = *batches_.at(answer->batch);
  ScatterReply(payload, *answer->work, answer->places, batch.spec);
  batch.replies.push_back(payload);
  core_.Written(answer->batch, answer->places.size());
  if (!core_.Complete(answer->batch)) return false;
  const absl::Duration hidden = std::max(absl::ZeroDuration(), busy_.At(now) - batch.busy_from);
  probe_.BatchBack(hidden, now - batch.begun - hidden);
  return true;
}

void Dispatcher::OnUp(const std::string& worker_id, const ShardLink& link) {
  std::lock_guard lock(mu_);
  if (!HeldLocked(worker_id, link)) return;
  readiness_.reset();
  core_.Connected(worker_id);
  WakeLocked();
}

void Dispatcher::OnAlive(const std::string& worker_id, const ShardLink& link) {
  std::lock_guard lock(mu_);
  if (!HeldLocked(worker_id, link)) return;
  core_.Alive(worker_id, Clock::Real()->Now());
}

void Dispatcher::OnDown(const std::string& worker_id, const ShardLink& link, const absl::Status& status) {
  std::lock_guard lock(mu_);
  if (!HeldLocked(worker_id, link)) return;
  readiness_.reset();
  core_.Disconnected(worker_id, status);
  WakeLocked();
}

absl::Time Dispatcher::TickLinks(std::unique_lock<std::mutex>& lock) {
  std::vector<std::shared_ptr<ShardLink>> links;
  std::vector<std::shared_ptr<ShardLink>> probed;
  for (const auto& [worker_id, link] : links_) links.push_back(link);
  for (const std::string& worker_id : core_.TakeProbes(Clock::Real()->Now())) probed.push_back(links_.at(worker_id));
  lock.unlock();
  for (const auto& link : probed) link->Probe();
  absl::Time next = absl::InfiniteFuture();
  for (const auto& link : links) next = std::min(next, link->Tick(Clock::Real()->Now()));
  lock.lock();
  return next;
}

void Dispatcher::CloseForgotten(std::unique_lock<std::mutex>& lock) {
  std::vector<std::shared_ptr<ShardLink>> closing;
  for (const std::string& worker_id : core_.TakeForgotten()) {
    const auto it = links_.find(worker_id);
    if (it == links_.end()) continue;
    closing.push_back(std::move(it->second));
    links_.erase(it);
  }
  if (closing.empty()) return;
  lock.unlock();
  for (const auto& link : closing) link->Close();
  closing.clear();
  lock.lock();
}

void Dispatcher::Upkeep() {
  std::unique_lock lock(mu_);
  while (!stopping_) {
    dirty_ = false;
    CloseForgotten(lock);
    const absl::Time links_due = TickLinks(lock);
    const absl::Time now = Clock::Real()->Now();
    const std::vector<Sending> sending = PrepareLocked(core_.Plan(now));
    if (!sending.empty()) {
      lock.unlock();
      SendAll(sending);
      lock.lock();
    }
    idle_ = batches_.empty();
    const absl::Time by_time = std::max(core_.NextEvent(now), now + absl::Milliseconds(1));
    const absl::Time next = std::min({links_due, by_time, now + (idle_ ? kIdleSleep : kMaxSleep)});
    upkeep_due_.wait_for(lock, absl::ToChronoNanoseconds(next - Clock::Real()->Now()), [this] { return dirty_ || stopping_; });
  }
}

}  // namespace baleen
