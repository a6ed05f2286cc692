// One shard's work: takes calls from streams, merges those of a layer, answers each.
#ifndef BALEEN_SERVICES_EXPERT_EXPERT_SERVICE_H_
#define BALEEN_SERVICES_EXPERT_EXPERT_SERVICE_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "base/clock.h"
#include "services/expert/expert_call.h"
#include "services/expert/held_experts.h"
#include "services/expert/probe.h"
#include "services/expert/row_counter.h"
#include "services/expert/work_queue.h"
#include "transport/transport.h"

namespace baleen {

class SpanExporter;

struct ExpertServiceOptions {
  ExpertShape shape;
  WorkQueueBounds queue;
  int64_t max_merged_slots = 4096;  // (Row, expert) pairs of one computation.
  // Computations at a time: more than one where a computation waits for a device, so that one's copies run beside another's products.
  int computations = 1;
  SpanExporter* spans = nullptr;  // Unowned, outlives the service; null = no call is traced.
  // Called when a computation fails with INTERNAL, after its calls were refused: a device that failed gives nothing right any more.
  std::function<void(const absl::Status&)> on_failure;
};

// Thread-safe. Replies are in any order: refusals come at once, outputs after compute. A small call that finds the shard at rest is
// computed on the thread that brings it, others on threads of the service's own.
//  - FAILED_PRECONDITION: an expert is not held, or another numerics_id;
//  - DEADLINE_EXCEEDED: the deadline passed before compute;
//  - RESOURCE_EXHAUSTED: the queue is full, or there is no memory for the reply; INVALID_ARGUMENT: malformed;
//  - INTERNAL: the device failed.
class ExpertService {
 public:
  ExpertService(ExpertServiceOptions options, Clock* clock, prometheus::Registry* metrics);
  ~ExpertService();  // Drains.

  // Handlers of one stream (an AcceptFunction).
  StreamHandlers Accept(std::shared_ptr<Connection> connection);

  // Swaps what is held; computations under way end with what they began with.
  void SetExperts(std::shared_ptr<const HeldExperts> experts);
  // Answers what is queued, refuses more with UNAVAILABLE, hellos too, and returns when all is answered.
  void Drain();

  ExpertProbe& probe() { return probe_; }
  const RowCounter& row_counter() const { return row_counter_; }
  size_t queue_depth() const { return queue_.depth(); }

 private:
  static constexpr int64_t kUnknownSlotTime = int64_t{1} << 40;

  void Take(const std::shared_ptr<Connection>& connection, Message message);
  void Refuse(const ExpertCall& call, const absl::Status& status);
  absl::Status Check(const ExpertCall& call, const HeldExperts* experts);
  // Whether the thread that brought the call shall compute it; queue_.Done() is due then.
  bool BeginHere(const Connection* stream, const ExpertCall& call);
  void ComputeLoop();
  void ComputeBatch(std::vector<ExpertCall> calls);
  void LearnSlotTime(absl::Span<const ExpertCall> calls, absl::Duration time);
  // Spans of the traced ones among calls that were computed together from `start` to now.
  void Trace(absl::Span<const ExpertCall> calls, int64_t rows, absl::Time start) const;

  const ExpertServiceOptions options_;
  Clock* const clock_;
  ExpertProbe probe_;
  RowCounter row_counter_;
  WorkQueue queue_;
  std::atomic<const void*> last_stream_{nullptr};   // Only compared.
  std::atomic<int64_t> slot_ns_{kUnknownSlotTime};  // Of the last small computation, for each of its slots.
  std::mutex mu_;
  std::shared_ptr<const HeldExperts> experts_;
  std::mutex drain_mu_;
  std::vector<std::thread> compute_;
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_EXPERT_EXPERT_SERVICE_H_
