#include "services/attention/worker/step_loop.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/status_macros.h"
#include "services/attention/probe.h"
#include "services/attention/trace/sequence_trace.h"
#include "services/common/log.h"

namespace baleen {
namespace {

// How late a deadline or a stalled fill may be noticed by an otherwise idle loop.
constexpr absl::Duration kTick = absl::Milliseconds(50);

float UsageOf(const BlockPool& pool) {
  const int64_t total = std::max<int64_t>(pool.total_blocks(), 1);
  return 1.0f - static_cast<float>(pool.free_blocks()) / static_cast<float>(total);
}

// What a fill found in the prefix cache is wanted like what it computes.
void PassOnCached(const Sequence& sequence, int layers) {
  if (sequence.computed == 0) return;
  sequence.request.observer->OnCached(sequence.computed);
  for (int layer = 0; layer < layers; ++layer) sequence.request.observer->OnLayer(sequence.blocks, layer, 0, sequence.computed);
}

bool MayRetry(const absl::Status& status) { return absl::IsUnavailable(status) || absl::IsDeadlineExceeded(status); }

}  // namespace

StepLoop::StepLoop(const StepLoopOptions& options, StepRunner* runner, BlockPool* pool, RemotePrefill* remote, AttentionProbe* probe,
                   Clock* clock, KvStandby* standby)
    : options_(options),
      runner_(runner),
      pool_(pool),
      remote_(remote),
      probe_(probe),
      clock_(clock),
      standby_(standby),
      scheduler_(options.limits, pool) {
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
  request.arrival = clock_->Now();
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

void StepLoop::LetGo() {
  const std::lock_guard lock(mu_);
  scheduler_.CancelGenerating(absl::UnavailableError("the worker is draining"));
  ++events_;
  work_.notify_all();
}

bool StepLoop::WaitIdle(absl::Duration timeout) {
  std::unique_lock lock(mu_);
  return idle_.wait_for(lock, absl::ToChronoNanoseconds(timeout), [this] { return unfinished_ == 0; });
}

StepLoopLoad StepLoop::load() const {
  const std::lock_guard lock(mu_);
  return {.running = scheduler_.running(), .waiting = scheduler_.waiting(), .kv_usage = UsageOf(*pool_)};
}

StepLoopCounts StepLoop::counts() const {
  const std::lock_guard lock(mu_);
  return counts_;
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
  const StepLoopLoad load_now = load();
  probe_->Load(load_now.running, load_now.waiting, load_now.kv_usage, pool_->touched_bytes());
  std::vector<Sequence*> admitted;
  Ended ended;
  {
    const std::lock_guard lock(mu_);
    events_seen_ = events_;
    admitted = scheduler_.Admit(clock_->Now());
    ended = scheduler_.TakeEnded();
  }
  pool_->ClearAllocated();
  NotifyEnded(std::move(ended));
  for (Sequence* sequence : admitted) {
    const absl::Time now = clock_->Now();
    if (!std::exchange(sequence->admission_told, true)) {
      probe_->Admitted(now - sequence->request.arrival);
      sequence->request.observer->OnAdmitted();
    }
    if (sequence->request.trace != nullptr) sequence->request.trace->Admitted(now);
    if (!sequence->request.generates) PassOnCached(*sequence, pool_->shape().layers);
    if (remote_ != nullptr && sequence->request.generates && remote_->Wants(*sequence)) StartRemotePrefill(sequence);
  }
  if (remote_ != nullptr) remote_->Tick();
  StepPlan plan;
  {
    const std::lock_guard lock(mu_);
    plan = scheduler_.PlanStep();
    probe_->Preempted(scheduler_.preemptions() - std::exchange(preemptions_reported_, scheduler_.preemptions()));
  }
  pool_->ClearAllocated();
  return plan;
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
  const float kv_usage = UsageOf(*pool_);
  if (unfinished_ == 0) probe_->Load(0, 0, kv_usage, pool_->touched_bytes());
  // Rows that are still being pushed hold their blocks a little longer than their sequence lasts.
  if (unfinished_ == 0 && kv_usage == 0) {
    work_.wait(lock, woken);
  } else {
    work_.wait_for(lock, absl::ToChronoNanoseconds(timeout), woken);
  }
}

void StepLoop::RunStep(const StepPlan& plan) {
  const absl::Time start = clock_->Now();
  StepInputs inputs(plan);
  if (options_.trace_layer_steps > 0) TraceLayers(plan);
  TokenChoices choices = inputs.Choices(options_.tokenizer_size);
  const absl::Status status = runner_->Step(inputs.steps(), *pool_, inputs.deadline(), inputs.on_layer(), &choices, &logits_);
  if (!status.ok()) {
    HandleFailure(plan, status);
    return;
  }
  const std::vector<ChosenTokens> chosen = inputs.Choose(choices, logits_, runner_->vocab_size());
  CountVerified(plan, chosen);
  const std::vector<RowResult> results = Results(plan, chosen, &inputs);
  Ended ended;
  {
    const std::lock_guard lock(mu_);
    scheduler_.CompleteStep(plan, results);
    ended = scheduler_.TakeEnded();
  }
  const int64_t generated = Emit(plan, chosen);
  if (standby_ != nullptr) TellOfPublished(plan, *standby_);
  {
    const std::lock_guard lock(mu_);
    counts_ = {counts_.steps + 1, counts_.rows + plan.tokens, counts_.generated_tokens + generated};
  }
  NotifyEnded(std::move(ended));
  probe_->Stepped(clock_->Now() - start, plan.tokens);
}

void StepLoop::TraceLayers(const StepPlan& plan) {
  for (const StepRow& row : plan.rows) {
    const SequenceTrace* const trace = row.sequence->request.trace.get();
    if (trace == nullptr) continue;
    if (traced_steps_++ % options_.trace_layer_steps == 0) runner_->TraceNextStep(trace->step_parent());
    return;
  }
}

void StepLoop::HandleFailure(const StepPlan& plan, const absl::Status& status) {
  probe_->StepFailed();
  Log(LogLevel::kWarning, "step_failed",
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

void StepLoop::CountVerified(const StepPlan& plan, const std::vector<ChosenTokens>& chosen) {
  for (size_t i = 0; i < plan.rows.size(); ++i) {
    if (plan.rows[i].logits == 2) probe_->Verified(chosen[i].tokens.front().token == plan.rows[i].sequence->draft);
  }
}

std::vector<RowResult> StepLoop::Results(const StepPlan& plan, const std::vector<ChosenTokens>& chosen, StepInputs* inputs) {
  std::vector<RowResult> results(plan.rows.size());
  for (size_t i = 0; i < results.size(); ++i) {
    for (const SampledToken& token : chosen[i].tokens) results[i].tokens.push_back(token.token);
  }
  if (runner_->drafts()) MakeDrafts(plan, chosen, inputs, &results);
  return results;
}

void StepLoop::MakeDrafts(const StepPlan& plan, const std::vector<ChosenTokens>& chosen, StepInputs* inputs,
                          std::vector<RowResult>* results) {
  const std::vector<DraftStep> drafts = inputs->Drafts(chosen, options_.max_drafts);
  TokenChoices choices = inputs->DraftChoices(drafts, chosen, options_.tokenizer_size);
  if (const absl::Status status = runner_->Draft(drafts, *pool_, inputs->on_layer(), &choices, &draft_logits_); !status.ok()) {
    Log(LogLevel::kWarning, "no_drafts", {{"error", std::string(status.message())}});
    return;
  }
  inputs->ChooseDrafts(drafts, chosen, choices, draft_logits_, runner_->vocab_size(), results);
}

int64_t StepLoop::Emit(const StepPlan& plan, const std::vector<ChosenTokens>& chosen) {
  int64_t generated = 0;
  for (size_t i = 0; i < plan.rows.size(); ++i) {
    Sequence& sequence = *plan.rows[i].sequence;
    if (chosen[i].tokens.empty()) continue;
    SequenceObserver& observer = *sequence.request.observer;
    if (!std::exchange(sequence.prefilled, true)) {
      probe_->Prefilled(sequence.request.prompt_tokens, sequence.cached_tokens);
      SequenceTrace* const trace = sequence.request.trace.get();
      if (trace != nullptr) trace->Prefilled(sequence.request.prompt_tokens, sequence.cached_tokens, clock_->Now());
      observer.OnPrefilled(sequence.request.prompt_tokens, sequence.cached_tokens);
    }
    const int64_t count = static_cast<int64_t>(chosen[i].tokens.size());
    if (chosen[i].tokens.front().token < 0) continue;  // The sequence has ended with an error.
    for (int64_t j = 0; j < count; ++j) observer.OnToken(sequence.generated() - count + j, chosen[i].tokens[static_cast<size_t>(j)]);
    generated += count;
  }
  probe_->Generated(generated);
  return generated;
}

void StepLoop::NotifyEnded(Ended ended) {
  if (ended.empty()) return;
  for (const auto& sequence : ended) {
    if (sequence->state == SequenceState::kRemotePrefill && remote_ != nullptr) remote_->Abort(sequence->id);
    if (standby_ != nullptr) standby_->OnEnded(sequence->id);
    SequenceTrace* const trace = sequence->request.trace.get();
    if (trace != nullptr) trace->Ended(sequence->end_status, sequence->generated(), clock_->Now());
    sequence->request.observer->OnFinished(sequence->end_status, sequence->end_reason);
  }
  const std::lock_guard lock(mu_);
  unfinished_ -= static_cast<int64_t>(ended.size());
  if (unfinished_ == 0) idle_.notify_all();
}

}  // namespace baleen
