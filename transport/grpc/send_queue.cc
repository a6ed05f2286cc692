#include "transport/grpc/send_queue.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace baleen {

SendQueue::SendQueue(StreamBounds bounds) : bounds_(bounds) {}

absl::StatusOr<SendQueue::Next> SendQueue::Push(grpc::ByteBuffer buffer) {
  const size_t size = buffer.Length();
  std::lock_guard lock(mu_);
  if (finishing_ || broken_) return absl::UnavailableError("the stream is broken");
  if (queue_.size() >= bounds_.messages || bytes_ + size > bounds_.bytes) {
    return absl::ResourceExhaustedError(absl::StrCat("stream: ", queue_.size(), " messages of ", bytes_, " bytes are queued"));
  }
  bytes_ += size;
  queue_.push_back(std::move(buffer));
  if (writing_) return Next::kNothing;
  writing_ = true;
  return Next::kWrite;
}

SendQueue::Next SendQueue::WriteDone(bool ok) {
  std::lock_guard lock(mu_);
  writing_ = false;
  bytes_ -= queue_.front().Length();
  queue_.pop_front();
  if (!ok || broken_) return BreakLocked();
  if (queue_.empty()) return finishing_ ? BreakLocked() : Next::kNothing;
  writing_ = true;
  return Next::kWrite;
}

SendQueue::Next SendQueue::Finish() {
  std::lock_guard lock(mu_);
  finishing_ = true;
  return queue_.empty() ? BreakLocked() : Next::kNothing;
}

SendQueue::Next SendQueue::Break() {
  std::lock_guard lock(mu_);
  return BreakLocked();
}

SendQueue::Next SendQueue::BreakLocked() {
  broken_ = true;
  while (queue_.size() > (writing_ ? 1u : 0u)) {
    bytes_ -= queue_.back().Length();
    queue_.pop_back();
  }
  if (writing_ || finish_said_) return Next::kNothing;
  finish_said_ = true;
  return Next::kFinish;
}

const grpc::ByteBuffer* SendQueue::front() const {
  std::lock_guard lock(mu_);
  return &queue_.front();
}

}  // namespace baleen
