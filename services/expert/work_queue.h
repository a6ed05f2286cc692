// Calls that wait for a computation, and how many computations are under way.
#ifndef BALEEN_SERVICES_EXPERT_WORK_QUEUE_H_
#define BALEEN_SERVICES_EXPERT_WORK_QUEUE_H_

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <vector>

#include "absl/status/status.h"
#include "services/expert/expert_call.h"

namespace baleen {

struct WorkQueueBounds {
  size_t calls = 1024;
  int64_t bytes = int64_t{256} << 20;  // Of inputs and outputs.
};

// Thread-safe; first in, first out by the oldest call's layer. What PopLayer and TryBegin begin, Done ends.
class WorkQueue {
 public:
  // At most `computations` are under way at a time.
  explicit WorkQueue(WorkQueueBounds bounds, int computations = 1);

  // RESOURCE_EXHAUSTED over the bounds, UNAVAILABLE after Close. `bytes` is what the call's input and output take.
  absl::Status Push(ExpertCall call, int64_t bytes);
  // Blocks until a computation may begin and there is work for it; the oldest call and all others of its layer, in order, while their slots
  // sum to at most `max_slots` (the first one always). Empty after Close once everything was taken, and then nothing has begun.
  std::vector<ExpertCall> PopLayer(int64_t max_slots);
  // Begins a computation of what was never queued: false when calls wait, another computation is under way, or after Close.
  bool TryBegin();
  void Done();
  // What is queued is still handed out.
  void Close();
  // After Close: blocks until none is under way.
  void AwaitDone();

  size_t depth() const;
  bool closed() const;

 private:
  struct Entry {
    ExpertCall call;
    int64_t bytes = 0;
  };

  const WorkQueueBounds bounds_;
  const int computations_;
  mutable std::mutex mu_;
  std::condition_variable changed_;
  std::deque<Entry> queue_;
  int64_t bytes_ = 0;
  int under_way_ = 0;
  bool closed_ = false;
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_EXPERT_WORK_QUEUE_H_
