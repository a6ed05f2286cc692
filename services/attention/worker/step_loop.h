// The worker's one thread over the network: plan, step, sample, stop, emit.
#ifndef BALEEN_SERVICES_ATTENTION_WORKER_STEP_LOOP_H_
#define BALEEN_SERVICES_ATTENTION_WORKER_STEP_LOOP_H_

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "model/sampling/sampler.h"
#include "services/attention/scheduler/scheduler.h"
#include "services/attention/worker/choose_tokens.h"
#include "services/attention/worker/kv_standby.h"
#include "services/attention/worker/remote_prefill.h"
#include "services/attention/worker/step_inputs.h"
#include "services/attention/worker/step_runner.h"
#include "services/kv/cache/block_pool.h"

namespace baleen {

class AttentionProbe;

struct StepLoopOptions {
  SchedulerLimits limits;
  int64_t tokenizer_size = 0;  // Ids from here on are never sampled.
  absl::Duration retry_backoff = absl::Milliseconds(20);
  // Of one step; when more sequences want one, none gets it: the rows to verify would cost more than they save.
  size_t max_drafts = 16;
  // Of the steps with a traced sequence, each so-manieth is traced layer by layer, as that sequence's; 0 = none.
  int64_t trace_layer_steps = 0;
};

struct StepLoopLoad {
  int64_t running = 0;
  int64_t waiting = 0;
  float kv_usage = 0;  // 0 .. 1
};

// Since the start; failed steps are left out.
struct StepLoopCounts {
  int64_t steps = 0;
  int64_t rows = 0;
  int64_t generated_tokens = 0;
};

// Thread-safe. A step that fails with UNAVAILABLE or DEADLINE_EXCEEDED is planned anew until its sequences' deadlines (their KV rows are
// simply written again); any other failure ends its sequences with that status.
class StepLoop {
 public:
  // `remote` and `standby` may be null; all others outlive this, as does what the observers use.
  StepLoop(const StepLoopOptions& options, StepRunner* runner, BlockPool* pool, RemotePrefill* remote, AttentionProbe* probe, Clock* clock,
           KvStandby* standby = nullptr);
  ~StepLoop();  // Stops.

  // As Scheduler::Submit; UNAVAILABLE once admission stopped. The observer hears nothing when this fails.
  absl::StatusOr<SequenceId> Submit(SequenceRequest request);
  // Its compute and KV are free within one step; its observer hears OnFinished(why).
  void Cancel(SequenceId id, absl::Status why);
  // An observer became writable.
  void Wake();

  void StopAdmitting();
  // Ends what generates with UNAVAILABLE, within one step, so that it goes on at another worker; fills run to their ends.
  void LetGo();
  // False when sequences are left at the timeout.
  bool WaitIdle(absl::Duration timeout);
  // Ends what is left with UNAVAILABLE and joins the thread. Not from an observer.
  void Stop();
  StepLoopLoad load() const;
  StepLoopCounts counts() const;

 private:
  using Ended = std::vector<std::unique_ptr<Sequence>>;

  void Run();
  StepPlan Prepare();
  void StartRemotePrefill(Sequence* sequence);
  void WaitForWork(absl::Duration timeout);
  void RunStep(const StepPlan& plan);
  void TraceLayers(const StepPlan& plan);
  void HandleFailure(const StepPlan& plan, const absl::Status& status);
  void CountVerified(const StepPlan& plan, const std::vector<ChosenTokens>& chosen);
  // What the scheduler is told; makes the drafts.
  std::vector<RowResult> Results(const StepPlan& plan, const std::vector<ChosenTokens>& chosen, StepInputs* inputs);
  void MakeDrafts(const StepPlan& plan, const std::vector<ChosenTokens>& chosen, StepInputs* inputs, std::vector<RowResult>* results);
  // Returns how many tokens.
  int64_t Emit(const StepPlan& plan, const std::vector<ChosenTokens>& chosen);
  void NotifyEnded(Ended ended);

  const StepLoopOptions options_;
  StepRunner* const runner_;
  BlockPool* const pool_;
  RemotePrefill* const remote_;
  AttentionProbe* const probe_;
  Clock* const clock_;
  KvStandby* const standby_;

  mutable std::mutex mu_;
  std::condition_variable work_;
  std::condition_variable idle_;
  Scheduler scheduler_;
  uint64_t events_ = 0;       // What happened since the start,
  uint64_t events_seen_ = 0;  // and what the loop has looked at.
  bool admitting_ = true;
  bool stopping_ = false;
  int64_t unfinished_ = 0;  // Submitted and not told the end yet.
  StepLoopCounts counts_;

  std::vector<float> logits_;         // The thread's own, as are
  std::vector<float> draft_logits_;   // these
  int64_t traced_steps_ = 0;          // these
  int64_t preemptions_reported_ = 0;  // and this.
  std::thread thread_;
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_ATTENTION_WORKER_STEP_LOOP_H_
