#include "services/expert/work_queue.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace baleen {

WorkQueue::WorkQueue(WorkQueueBounds bounds, int computations) : bounds_(bounds), computations_(computations) {}

absl::Status WorkQueue::Push(ExpertCall call, int64_t bytes) {
  bool may_begin = false;
  {
    std::lock_guard lock(mu_);
    if (closed_) return absl::UnavailableError("the shard is shutting down");
    if (queue_.size() >= bounds_.calls || bytes_ + bytes > bounds_.bytes) {
      return absl::ResourceExhaustedError(absl::StrCat("the shard has ", queue_.size(), " calls of ", bytes_, " bytes queued"));
    }
    bytes_ += bytes;
    queue_.push_back({std::move(call), bytes});
    may_begin = under_way_ < computations_;
  }
  // Without the mutex, which the woken thread wants at once.
  if (may_begin) changed_.notify_all();
  return absl::OkStatus();
}

std::vector<ExpertCall> WorkQueue::PopLayer(int64_t max_slots) {
  std::unique_lock lock(mu_);
  changed_.wait(lock, [this] { return queue_.empty() ? closed_ : under_way_ < computations_; });
  std::vector<ExpertCall> taken;
  if (queue_.empty()) return taken;
  ++under_way_;
  const int layer = queue_.front().call.layer;
  int64_t slots = 0;
  std::deque<Entry> rest;
  bool full = false;
  for (Entry& entry : queue_) {
    const auto size = static_cast<int64_t>(entry.call.expert_ids.size());
    full = full || (!taken.empty() && entry.call.layer == layer && slots + size > max_slots);
    if (full || entry.call.layer != layer) {
      rest.push_back(std::move(entry));
      continue;
    }
    slots += size;
    bytes_ -= entry.bytes;
    taken.push_back(std::move(entry.call));
  }
  queue_ = std::move(rest);
  return taken;
}

bool WorkQueue::TryBegin() {
  std::lock_guard lock(mu_);
  if (closed_ || !queue_.empty() || under_way_ > 0) return false;
  ++under_way_;
  return true;
}

void WorkQueue::Done() {
  std::lock_guard lock(mu_);
  --under_way_;
  if (closed_ || !queue_.empty()) changed_.notify_all();
}

void WorkQueue::Close() {
  std::lock_guard lock(mu_);
  closed_ = true;
  changed_.notify_all();
}

void WorkQueue::AwaitDone() {
  std::unique_lock lock(mu_);
  changed_.wait(lock, [this] { return under_way_ == 0; });
}

size_t WorkQueue::depth() const {
  std::lock_guard lock(mu_);
  return queue_.size();
}

bool WorkQueue::closed() const {
  std::lock_guard lock(mu_);
  return closed_;
}

}  // namespace baleen
