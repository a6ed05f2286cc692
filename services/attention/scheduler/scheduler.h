// Continuous batching: who is admitted, and which rows make the next step. Pure logic over a block pool.
#ifndef BALEEN_SERVICES_ATTENTION_SCHEDULER_SCHEDULER_H_
#define BALEEN_SERVICES_ATTENTION_SCHEDULER_SCHEDULER_H_

#include <cstdint>
#include <deque>
#include <memory>
#include <unordered_map>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "services/attention/scheduler/attempt_table.h"
#include "services/attention/scheduler/sequence.h"
#include "services/kv/cache/block_pool.h"

namespace baleen {

struct SchedulerLimits {
  int64_t max_batch_tokens = 512;  // Rows of a step; at least 2.
  int64_t prefill_chunk = 128;     // Rows of one sequence's prefill in a step, and of all prefill beside decode rows.
  int64_t max_running = 256;       // Admitted sequences; below max_batch_tokens, so that prefill always gets a row.
  int64_t max_waiting = 256;
  int64_t max_waiting_tokens = 1 << 20;
};

// Consecutive positions of one sequence in a step.
struct StepRow {
  Sequence* sequence = nullptr;
  int64_t first = 0;
  int64_t count = 0;
  bool wants_logits = false;  // Of the last position.
};

struct StepPlan {
  std::vector<StepRow> rows;
  int64_t tokens = 0;
};

// Thread-compatible. Sequence pointers are valid until TakeEnded hands the sequence out. Admission is first come, first served, and takes
// the blocks of prompt and max_tokens at once, so an admitted sequence always runs to its end.
class Scheduler {
 public:
  // `pool` is shared with others and outlives this.
  Scheduler(const SchedulerLimits& limits, BlockPool* pool);
  ~Scheduler();

  // Queues a request. RESOURCE_EXHAUSTED when the queue is full in requests or tokens, INVALID_ARGUMENT when the pool could never hold it,
  // ABORTED for an older attempt, ALREADY_EXISTS for the running one. A newer attempt ends the older with ABORTED.
  absl::StatusOr<SequenceId> Submit(SequenceRequest request);
  // The sequence leaves at the next Admit with `why`. Unknown ids are ignored: it may just have ended.
  void Cancel(SequenceId id, absl::Status why);
  void CancelAll(const absl::Status& why);

  // Not while a step runs. Ends what was cancelled or is past its deadline, then admits; returns the newly admitted, in kPrefill.
  std::vector<Sequence*> Admit(absl::Time now);
  // An admitted sequence's rows [0, known - 1) come from elsewhere; it is not planned until then.
  void StartRemotePrefill(Sequence* sequence);
  // `filled`: those rows are in its blocks; otherwise all are computed here. Unknown ids are ignored.
  void FinishRemotePrefill(SequenceId id, bool filled);

  // One row for every decoding sequence, then prefill chunks in admission order while the budget lasts. Empty = nothing to do.
  StepPlan PlanStep() const;
  // After a step that succeeded: `sampled` has one token for each row that wanted logits, in order.
  void CompleteStep(const StepPlan& plan, absl::Span<const int32_t> sampled);
  // After a step that failed for good: its sequences end.
  void FailStep(const StepPlan& plan, const absl::Status& status);

  // Sequences that ended since the last call; their blocks are released already.
  std::vector<std::unique_ptr<Sequence>> TakeEnded();

  int64_t running() const { return static_cast<int64_t>(running_.size()); }
  int64_t waiting() const { return static_cast<int64_t>(waiting_.size()); }
  int64_t waiting_tokens() const { return waiting_tokens_; }

 private:
  int64_t BlocksNeeded(const SequenceRequest& request) const;
  void AddDecodeRows(StepPlan* plan) const;
  void AddPrefillRows(StepPlan* plan) const;
  void EndDue(absl::Time now);
  bool EndIfDue(std::unique_ptr<Sequence>* sequence, absl::Time now);
  void End(std::unique_ptr<Sequence> sequence, absl::Status status, StopReason reason);
  void EndRunning(SequenceId id, absl::Status status, StopReason reason);

  const SchedulerLimits limits_;
  BlockPool* const pool_;
  AttemptTable attempts_;
  SequenceId last_id_ = 0;
  std::deque<std::unique_ptr<Sequence>> waiting_;
  int64_t waiting_tokens_ = 0;
  std::vector<std::unique_ptr<Sequence>> running_;  // In admission order.
  std::unordered_map<SequenceId, Sequence*> by_id_;
  std::vector<std::unique_ptr<Sequence>> ended_;
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_ATTENTION_SCHEDULER_SCHEDULER_H_
