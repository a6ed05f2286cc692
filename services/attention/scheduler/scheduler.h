// Continuous batching: who is admitted, who gives way, and which rows make the next step. Pure logic over a block pool.
#ifndef BALEEN_SERVICES_ATTENTION_SCHEDULER_SCHEDULER_H_
#define BALEEN_SERVICES_ATTENTION_SCHEDULER_SCHEDULER_H_

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "services/attention/scheduler/attempt_table.h"
#include "services/attention/scheduler/block_tables.h"
#include "services/attention/scheduler/sequence.h"
#include "services/kv/cache/block_pool.h"

namespace baleen {

struct SchedulerLimits {
  int64_t max_batch_tokens = 512;  // Rows of a step; at least 2.
  int64_t prefill_chunk = 128;     // Rows of one sequence's prefill in a step, and of all prefill beside decode rows.
  int64_t max_running = 256;       // Admitted sequences; below max_batch_tokens, so that prefill always gets a row.
  int64_t max_waiting = 256;
  int64_t max_waiting_tokens = 1 << 20;
  bool prefix_cache = true;
  std::string numerics_id = {};  // In the names of cached blocks.
};

// Consecutive positions of one sequence in a step.
struct StepRow {
  Sequence* sequence = nullptr;
  int64_t first = 0;
  int64_t count = 0;
  int64_t logits = 0;  // Of the last positions: 1 where a token is due, 2 where the last position is the sequence's draft.
};

struct StepPlan {
  std::vector<StepRow> rows;
  int64_t tokens = 0;
};

// What a step brought a row.
struct RowResult {
  absl::InlinedVector<int32_t, 2> tokens;  // 1 .. logits of them where logits were wanted; none behind one that ends the sequence.
  int32_t draft = -1;
};

// Thread-compatible. Sequence pointers are valid until TakeEnded hands the sequence out. After Admit and PlanStep the caller has the pool
// clear what it gave (BlockPool::ClearAllocated), outside of its lock.
//
// Sequences go by rank, which is arrival and priority and never changes. Admission takes the blocks of the tokens known so far; decode
// takes one more when it reaches its end. When the pool is empty, the last in rank that decodes or prefills here gives way: its blocks go,
// its tokens stay, and it waits at its rank to be filled again from them. Whoever decodes for a client that does not read gives way before
// all others, whatever its rank, and is passed over while it waits. So whoever is first in rank of those whose clients read never gives
// way, and all of these come to an end.
class Scheduler {
 public:
  // `pool` is shared with others and outlives this.
  Scheduler(const SchedulerLimits& limits, BlockPool* pool);
  ~Scheduler();

  // Queues a request by its rank. RESOURCE_EXHAUSTED when the queue is full in requests or tokens, INVALID_ARGUMENT when the pool could
  // never hold it, ABORTED for an older attempt, ALREADY_EXISTS for the running one. A newer attempt ends the older with ABORTED.
  absl::StatusOr<SequenceId> Submit(SequenceRequest request);
  // The sequence leaves at the next Admit with `why`. Unknown ids are ignored: it may just have ended.
  void Cancel(SequenceId id, absl::Status why);
  void CancelAll(const absl::Status& why);
  // But for fills for other workers.
  void CancelGenerating(const absl::Status& why);

  // Not while a step runs. Ends what was cancelled or is past its deadline, then admits; returns the newly admitted, in kPrefill, with
  // `computed` at the end of their cached prefix.
  std::vector<Sequence*> Admit(absl::Time now);
  // An admitted sequence's rows [computed, known - 1) come from elsewhere; it is neither planned nor preempted until then.
  void StartRemotePrefill(Sequence* sequence);
  // `filled`: those rows are in its blocks; otherwise they are computed here. Unknown ids are ignored.
  void FinishRemotePrefill(SequenceId id, bool filled);

  // One row for every decoding sequence (two with a draft), then prefill chunks in rank order while the budget lasts. Empty = nothing to
  // do. Not while a step runs: it may preempt.
  StepPlan PlanStep();
  // After a step that succeeded: one result a row of the plan.
  void CompleteStep(const StepPlan& plan, absl::Span<const RowResult> results);
  // After a step that failed for good: its sequences end.
  void FailStep(const StepPlan& plan, const absl::Status& status);

  // Sequences that ended since the last call; their blocks are released already.
  std::vector<std::unique_ptr<Sequence>> TakeEnded();

  int64_t running() const { return static_cast<int64_t>(running_.size()); }
  int64_t waiting() const { return static_cast<int64_t>(waiting_.size()); }
  int64_t waiting_tokens() const { return waiting_tokens_; }
  int64_t preemptions() const { return preemptions_; }  // Since the start.

 private:
  using Owned = std::unique_ptr<Sequence>;
  using Rank = std::pair<absl::Time, SequenceId>;

  // Looks anew at whose clients read. Within one Admit and one PlanStep all go by the same answer, so that nobody who was admitted or has a
  // row gives way.
  void NotePaused();
  bool AdmitNext(std::vector<Sequence*>* admitted);
  bool FindRoom(Sequence* next);
  bool CoverNext(Sequence* sequence);
  // Whether it would give its blocks to one of `rank`.
  static bool YieldsTo(const Rank& rank, const Sequence& sequence);
  // Takes the blocks of the last in rank that yields to `rank`, of paused ones first; false when there is none.
  bool PreemptFor(const Rank& rank);
  // Whether so many blocks would be free if all that yield to `rank` gave way: what they share with others would not.
  bool MayFree(int64_t blocks, const Rank& rank) const;
  void AddDecodeRows(StepPlan* plan);
  void AddPrefillRows(StepPlan* plan) const;
  void CompleteRow(const StepRow& row, const RowResult& result);
  void EndDue(absl::Time now);
  bool EndIfDue(Owned* sequence, absl::Time now);
  void End(Owned sequence, absl::Status status, StopReason reason);
  void EndRunning(SequenceId id, absl::Status status, StopReason reason);

  const SchedulerLimits limits_;
  BlockPool* const pool_;
  BlockTables blocks_;
  AttemptTable attempts_;
  SequenceId last_id_ = 0;
  std::deque<Owned> waiting_;  // By rank.
  int64_t waiting_tokens_ = 0;
  std::vector<Owned> running_;  // By rank.
  int64_t preemptions_ = 0;
  std::unordered_map<SequenceId, Sequence*> by_id_;
  std::vector<Owned> ended_;
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_ATTENTION_SCHEDULER_SCHEDULER_H_
