#include "services/attention/worker/step_loop.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/status_macros.h"
#include "services/attention/probe.h"
#include "services/common/log.h"

namespace baleen {
namespace {

// How late a deadline or a stalled fill may be noticed by an otherwise idle loop.
constexpr absl::Duration kTick = absl::Milliseconds(50);

float UsageOf(const BlockPool& pool) {
  const int64_t total = std::max<int64_t>(pool.total_blocks(), 1);
  return 1.0f - static_cast<float>(pool.free_blocks()) / static_cast<float>(total);
}

bool MayRetry(const absl::Status& status) { return absl::IsUnavailable(status) || absl::IsDeadlineExceeded(status); }

}  // namespace

StepLoop::StepLoop(const StepLoopOptions& options, StepRunner* runner, BlockPool* pool, RemotePrefill* remote, AttentionProbe* probe,
                   Clock* clock)
    : options_(options), runner_(runner), pool_(pool), remote_(remote), probe_(probe), clock_(clock), scheduler_(options.limits, pool) {
  thread_ = std::thread([this] { Run(); });
}

StepLoop::~StepLoop() { Stop(); }

void StepLoop::Stop() {
  {
    const std::lock_guard lock(mu_);
    admitting_ = false;
    stopping_ = true;
  }
  work_.notify_all();
  if (thread_.joinable()) thread_.join();
}

absl::StatusOr<SequenceId> StepLoop::Submit(SequenceRequest request) {
  const std::lock_guard lock(mu_);
  if (!admitting_) return absl::UnavailableError("the worker is draining");
  ASSIGN_OR_RETURN(const SequenceId id, scheduler_.Submit(std::move(request)));
  ++unfinished_;
  ++events_;
  work_.notify_all();
  return id;
}

void StepLoop::Cancel(SequenceId id, absl::Status why) {
  const std::lock_guard lock(mu_);
  scheduler_.Cancel(id, std::move(why));
  ++events_;
  work_.notify_all();
}

void StepLoop::Wake() {
  const std::lock_guard lock(mu_);
  ++events_;
  work_.notify_all();
}

void StepLoop::StopAdmitting() {
  const std::lock_guard lock(mu_);
  admitting_ = false;
}

bool StepLoop::WaitIdle(absl::Duration timeout) {
  std::unique_lock lock(mu_);
  return idle_.wait_for(lock, absl::ToChronoNanoseconds(timeout), [this] { return unfinished_ == 0; });
}

StepLoopLoad StepLoop::load() const {
  const std::lock_guard lock(mu_);
  return {.running = scheduler_.running(), .waiting = scheduler_.waiting(), .kv_usage = UsageOf(*pool_)};
}

void StepLoop::Run() {
  while (true) {
    {
      const std::lock_guard lock(mu_);
      if (stopping_) break;
    }
    const StepPlan plan = Prepare();
    if (plan.rows.empty()) {
      WaitForWork(kTick);
    } else {
      RunStep(plan);
    }
  }
  Ended ended;
  {
    const std::lock_guard lock(mu_);
    scheduler_.CancelAll(absl::UnavailableError("the worker is shutting down"));
    scheduler_.Admit(clock_->Now());
    ended = scheduler_.TakeEnded();
  }
  NotifyEnded(std::move(ended));
}

StepPlan StepLoop::Prepare() {
  const StepLoopLoad now = load();
  probe_->Load(now.running, now.waiting, now.kv_usage);
  std::vector<Sequence*> admitted;
  Ended ended;
  {
    const std::lock_guard lock(mu_);
    events_seen_ = events_;
    admitted = scheduler_.Admit(clock_->Now());
    ended = scheduler_.TakeEnded();
  }
  NotifyEnded(std::move(ended));
  for (Sequence* sequence : admitted) {
    if (remote_ != nullptr && sequence->request.generates && remote_->Wants(*sequence)) StartRemotePrefill(sequence);
  }
  if (remote_ != nullptr) remote_->Tick();
  const std::lock_guard lock(mu_);
  return scheduler_.PlanStep();
}

void StepLoop::StartRemotePrefill(Sequence* sequence) {
  {
    const std::lock_guard lock(mu_);
    scheduler_.StartRemotePrefill(sequence);
  }
  remote_->Start(*sequence, [this, id = sequence->id](bool filled) {
    const std::lock_guard lock(mu_);
    scheduler_.FinishRemotePrefill(id, filled);
    ++events_;
    work_.notify_all();
  });
}

void StepLoop::WaitForWork(absl::Duration timeout) {
  std::unique_lock lock(mu_);
  const auto woken = [this] { return stopping_ || events_ != events_seen_; };
  if (unfinished_ == 0) {
    probe_->Load(0, 0, UsageOf(*pool_));
    work_.wait(lock, woken);
  } else {
    work_.wait_for(lock, absl::ToChronoNanoseconds(timeout), woken);
  }
}

void StepLoop::RunStep(const StepPlan& plan) {
  const absl::Time start = clock_->Now();
  const absl::Status status = CallRunner(plan);
  if (!status.ok()) {
    HandleFailure(plan, status);
    return;
  }
  const std::vector<SampledToken> sampled = SampleRows(plan);
  std::vector<int32_t> tokens;
  tokens.reserve(sampled.size());
  for (const SampledToken& token : sampled) tokens.push_back(token.token);
  Ended ended;
  {
    const std::lock_guard lock(mu_);
    scheduler_.CompleteStep(plan, tokens);
    ended = scheduler_.TakeEnded();
  }
  Emit(plan, sampled);
  NotifyEnded(std::move(ended));
  probe_->Stepped(clock_->Now() - start, plan.tokens);
}

absl::Status StepLoop::CallRunner(const StepPlan& plan) {
  std::vector<SequenceStep> steps;
  steps.reserve(plan.rows.size());
  absl::Time deadline = absl::InfiniteFuture();
  bool fills = false;
  for (const StepRow& row : plan.rows) {
    const SequenceRequest& request = row.sequence->request;
    steps.push_back({.blocks = row.sequence->blocks,
                     .first_position = row.first,
                     .tokens = absl::MakeConstSpan(request.tokens).subspan(static_cast<size_t>(row.first), static_cast<size_t>(row.count)),
                     .logits_count = row.wants_logits ? 1 : 0});
    deadline = std::min(deadline, request.deadline);
    fills = fills || !request.generates;
  }
  std::function<void(int)> on_layer;
  if (fills) {
    on_layer = [&plan](int layer) {
      for (const StepRow& row : plan.rows) {
        const SequenceRequest& request = row.sequence->request;
        if (!request.generates) request.observer->OnLayer(row.sequence->blocks, layer, row.first, row.count);
      }
    };
  }
  return runner_->Step(steps, *pool_, deadline, on_layer, &logits_);
}

void StepLoop::HandleFailure(const StepPlan& plan, const absl::Status& status) {
  probe_->StepFailed();
  Log(LogLevel::kWarning, "step failed",
      {{"code", absl::StatusCodeToString(status.code())}, {"error", std::string(status.message())}, {"rows", std::to_string(plan.tokens)}});
  if (MayRetry(status)) {
    WaitForWork(options_.retry_backoff);
    return;
  }
  Ended ended;
  {
    const std::lock_guard lock(mu_);
    scheduler_.FailStep(plan, status);
    ended = scheduler_.TakeEnded();
  }
  NotifyEnded(std::move(ended));
}

std::vector<SampledToken> StepLoop::SampleRows(const StepPlan& plan) const {
  const size_t vocab = static_cast<size_t>(runner_->vocab_size());
  std::vector<SampledToken> sampled;
  for (const StepRow& row : plan.rows) {
    if (!row.wants_logits) continue;
    const Sequence& sequence = *row.sequence;
    const absl::Span<const float> logits = absl::MakeConstSpan(logits_).subspan(sampled.size() * vocab, vocab);
    sampled.push_back(Sample(sequence.request.sampler, logits, options_.tokenizer_size,
                             BannedIds(sequence.request.stop, sequence.generated()), sequence.known()));
  }
  return sampled;
}

void StepLoop::Emit(const StepPlan& plan, const std::vector<SampledToken>& sampled) {
  size_t next = 0;
  for (const StepRow& row : plan.rows) {
    if (!row.wants_logits) continue;
    Sequence& sequence = *row.sequence;
    SequenceObserver& observer = *sequence.request.observer;
    if (!sequence.prefilled) {
      sequence.prefilled = true;
      probe_->Prefilled(sequence.request.prompt_tokens);
      observer.OnPrefilled(sequence.request.prompt_tokens);
    }
    observer.OnToken(sequence.generated() - 1, sampled[next++]);
  }
  probe_->Generated(static_cast<int64_t>(sampled.size()));
}

void StepLoop::NotifyEnded(Ended ended) {
  if (ended.empty()) return;
  for (const auto& sequence : ended) {
    if (sequence->state == SequenceState::kRemotePrefill && remote_ != nullptr) remote_->Abort(sequence->id);
    sequence->request.observer->OnFinished(sequence->end_status, sequence->end_reason);
  }
  const std::lock_guard lock(mu_);
  unfinished_ -= static_cast<int64_t>(ended.size());
  if (unfinished_ == 0) idle_.notify_all();
}

}  // namespace baleen
