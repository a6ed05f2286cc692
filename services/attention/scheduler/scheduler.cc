#include "services/attention/scheduler/scheduler.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"

namespace baleen {
namespace {

constexpr int64_t kBlockTokens = 64;
constexpr size_t kEndedAttempts = 16384;

SchedulerLimits Sanitized(SchedulerLimits limits) {
  limits.max_batch_tokens = std::max<int64_t>(limits.max_batch_tokens, 2);
  limits.prefill_chunk = std::clamp<int64_t>(limits.prefill_chunk, 1, limits.max_batch_tokens);
  limits.max_running = std::clamp<int64_t>(limits.max_running, 1, limits.max_batch_tokens - 1);
  return limits;
}

}  // namespace

Scheduler::Scheduler(const SchedulerLimits& limits, BlockPool* pool) : limits_(Sanitized(limits)), pool_(pool), attempts_(kEndedAttempts) {}

Scheduler::~Scheduler() {
  for (const auto& sequence : running_) {
    for (const BlockId block : sequence->blocks) pool_->Release(block);
  }
}

int64_t Scheduler::BlocksNeeded(const SequenceRequest& request) const {
  int64_t positions = static_cast<int64_t>(request.tokens.size());
  if (request.generates) {
    positions = std::max(positions, std::min(request.prompt_tokens + request.stop.max_tokens, request.stop.max_positions));
  }
  return (positions + kBlockTokens - 1) / kBlockTokens;
}

absl::StatusOr<SequenceId> Scheduler::Submit(SequenceRequest request) {
  ASSIGN_OR_RETURN(const SequenceId superseded, attempts_.Check(request.key, request.attempt));
  const int64_t tokens = static_cast<int64_t>(request.tokens.size());
  if (tokens == 0) return absl::InvalidArgumentError("a sequence needs at least one token");
  if (const int64_t blocks = BlocksNeeded(request); blocks > pool_->total_blocks()) {
    return absl::InvalidArgumentError(absl::StrCat("prompt and max_tokens need ", blocks, " KV blocks of ", kBlockTokens,
                                                   " tokens, this worker has ", pool_->total_blocks()));
  }
  if (waiting() >= limits_.max_waiting || waiting_tokens_ + tokens > limits_.max_waiting_tokens) {
    return absl::ResourceExhaustedError(absl::StrCat("queue is full: ", waiting(), " requests with ", waiting_tokens_, " tokens wait"));
  }
  if (superseded != 0) Cancel(superseded, absl::AbortedError(absl::StrCat("superseded by attempt ", request.attempt)));
  auto sequence = std::make_unique<Sequence>();
  sequence->id = ++last_id_;
  sequence->request = std::move(request);
  attempts_.Start(sequence->request.key, sequence->request.attempt, sequence->id);
  by_id_[sequence->id] = sequence.get();
  waiting_tokens_ += tokens;
  waiting_.push_back(std::move(sequence));
  return last_id_;
}

void Scheduler::Cancel(SequenceId id, absl::Status why) {
  const auto it = by_id_.find(id);
  if (it != by_id_.end() && it->second->ending.ok()) it->second->ending = std::move(why);
}

void Scheduler::CancelAll(const absl::Status& why) {
  for (const auto& [id, sequence] : by_id_) {
    if (sequence->ending.ok()) sequence->ending = why;
  }
}

bool Scheduler::EndIfDue(std::unique_ptr<Sequence>* sequence, absl::Time now) {
  if (!(*sequence)->ending.ok()) {
    absl::Status why = (*sequence)->ending;
    End(std::move(*sequence), std::move(why), StopReason::kNone);
    return true;
  }
  if (now < (*sequence)->request.deadline) return false;
  End(std::move(*sequence), absl::DeadlineExceededError("the request's deadline passed"), StopReason::kNone);
  return true;
}

void Scheduler::EndDue(absl::Time now) {
  std::erase_if(running_, [&](auto& sequence) { return EndIfDue(&sequence, now); });
  std::erase_if(waiting_, [&](auto& sequence) {
    const int64_t tokens = sequence->known();
    if (!EndIfDue(&sequence, now)) return false;
    waiting_tokens_ -= tokens;
    return true;
  });
}

std::vector<Sequence*> Scheduler::Admit(absl::Time now) {
  EndDue(now);
  std::vector<Sequence*> admitted;
  while (!waiting_.empty()) {
    std::unique_ptr<Sequence>& head = waiting_.front();
    const SequenceRequest& request = head->request;
    StopReason done = StopReason::kNone;
    if (request.generates && head->generated() > 0) {
      done = CheckStop(request.stop, request.prompt_tokens, head->generated(), request.tokens.back());
    }
    if (done == StopReason::kNone) {
      if (running() >= limits_.max_running) break;
      absl::StatusOr<std::vector<BlockId>> blocks = pool_->Allocate(BlocksNeeded(request));
      if (!blocks.ok()) break;
      head->blocks = *std::move(blocks);
      head->state = SequenceState::kPrefill;
      admitted.push_back(head.get());
    }
    waiting_tokens_ -= head->known();
    if (done == StopReason::kNone) {
      running_.push_back(std::move(head));
    } else {
      End(std::move(head), absl::OkStatus(), done);
    }
    waiting_.pop_front();
  }
  return admitted;
}

void Scheduler::StartRemotePrefill(Sequence* sequence) { sequence->state = SequenceState::kRemotePrefill; }

void Scheduler::FinishRemotePrefill(SequenceId id, bool filled) {
  const auto it = by_id_.find(id);
  if (it == by_id_.end() || it->second->state != SequenceState::kRemotePrefill) return;
  it->second->state = SequenceState::kPrefill;
  if (filled) it->second->computed = it->second->known() - 1;
}

StepPlan Scheduler::PlanStep() const {
  StepPlan plan;
  AddDecodeRows(&plan);
  AddPrefillRows(&plan);
  return plan;
}

void Scheduler::AddDecodeRows(StepPlan* plan) const {
  for (const auto& sequence : running_) {
    if (sequence->state != SequenceState::kDecode || !sequence->ending.ok() || !sequence->request.observer->Writable()) continue;
    plan->rows.push_back({.sequence = sequence.get(), .first = sequence->computed, .count = 1, .wants_logits = true});
    ++plan->tokens;
  }
}

void Scheduler::AddPrefillRows(StepPlan* plan) const {
  int64_t budget = limits_.max_batch_tokens - plan->tokens;
  if (!plan->rows.empty()) budget = std::min(budget, limits_.prefill_chunk);
  for (const auto& sequence : running_) {
    if (budget <= 0) return;
    if (sequence->state != SequenceState::kPrefill || !sequence->ending.ok()) continue;
    const int64_t left = sequence->known() - sequence->computed;
    const int64_t count = std::min({left, limits_.prefill_chunk, budget});
    const bool wants_logits = sequence->request.generates && count == left;
    plan->rows.push_back({.sequence = sequence.get(), .first = sequence->computed, .count = count, .wants_logits = wants_logits});
    plan->tokens += count;
    budget -= count;
  }
}

void Scheduler::CompleteStep(const StepPlan& plan, absl::Span<const int32_t> sampled) {
  size_t next = 0;
  for (const StepRow& row : plan.rows) {
    Sequence& sequence = *row.sequence;
    sequence.computed = row.first + row.count;
    if (!sequence.request.generates) {
      if (sequence.computed == sequence.known()) EndRunning(sequence.id, absl::OkStatus(), StopReason::kNone);
      continue;
    }
    if (!row.wants_logits) continue;
    const int32_t token = sampled[next++];
    sequence.request.tokens.push_back(token);
    sequence.state = SequenceState::kDecode;
    const StopReason reason = CheckStop(sequence.request.stop, sequence.request.prompt_tokens, sequence.generated(), token);
    if (reason != StopReason::kNone) EndRunning(sequence.id, absl::OkStatus(), reason);
  }
}

void Scheduler::FailStep(const StepPlan& plan, const absl::Status& status) {
  for (const StepRow& row : plan.rows) EndRunning(row.sequence->id, status, StopReason::kNone);
}

void Scheduler::EndRunning(SequenceId id, absl::Status status, StopReason reason) {
  const auto it = std::find_if(running_.begin(), running_.end(), [id](const auto& sequence) { return sequence->id == id; });
  if (it == running_.end()) return;
  std::unique_ptr<Sequence> sequence = std::move(*it);
  running_.erase(it);
  End(std::move(sequence), std::move(status), reason);
}

void Scheduler::End(std::unique_ptr<Sequence> sequence, absl::Status status, StopReason reason) {
  for (const BlockId block : sequence->blocks) pool_->Release(block);
  sequence->blocks.clear();
  attempts_.End(sequence->request.key, sequence->id);
  by_id_.erase(sequence->id);
  sequence->end_status = std::move(status);
  sequence->end_reason = reason;
  ended_.push_back(std::move(sequence));
}

std::vector<std::unique_ptr<Sequence>> Scheduler::TakeEnded() { return std::exchange(ended_, {}); }

}  // namespace baleen
