// Calls that wait for the compute thread.
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

// Thread-safe; first in, first out by the oldest call's layer.
class WorkQueue {
 public:
  explicit WorkQueue(WorkQueueBounds bounds);

  // RESOURCE_EXHAUSTED over the bounds, UNAVAILABLE after Close. `bytes` is what the call's input and output take.
  absl::Status Push(ExpertCall call, int64_t bytes);
  // Blocks until there is work; the oldest call and all others of its layer, in order, while their slots sum to at most `max_slots`
  // (the first one always). Empty after Close once everything was taken.
  std::vector<ExpertCall> PopLayer(int64_t max_slots);
  // What is queued is still handed out.
  void Close();

  size_t depth() const;

 private:
  struct Entry {
    ExpertCall call;
    int64_t bytes = 0;
  };

  const WorkQueueBounds bounds_;
  mutable std::mutex mu_;
  std::condition_variable changed_;
  std::deque<Entry> queue_;
  int64_t bytes_ = 0;
  bool closed_ = false;
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_EXPERT_WORK_QUEUE_H_
