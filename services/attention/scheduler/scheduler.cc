#include "services/attention/scheduler/scheduler.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "kernels/mla_attention.h"

namespace baleen {
namespace {

constexpr size_t kEndedAttempts = 16384;

SchedulerLimits Sanitized(SchedulerLimits limits) {
  limits.max_batch_tokens = std::max<int64_t>(limits.max_batch_tokens, 2);
  limits.prefill_chunk = std::clamp<int64_t>(limits.prefill_chunk, 1, limits.max_batch_tokens);
  limits.max_running = std::clamp<int64_t>(limits.max_running, 1, limits.max_batch_tokens - 1);
  return limits;
}

// Prompt and max_tokens, as far as the model's context goes.
int64_t MostBlocks(const SequenceRequest& request) {
  const int64_t tokens = static_cast<int64_t>(request.tokens.size());
  if (!request.generates) return BlocksFor(tokens);
  return BlocksFor(std::max(tokens, std::min(request.prompt_tokens + request.stop.max_tokens, request.stop.max_positions)));
}

// Fills cannot give way: what was computed is on its way out already. Nor can what another worker writes into.
bool MayGiveWay(const Sequence& sequence) { return sequence.request.generates && sequence.state != SequenceState::kRemotePrefill; }

template <typename Sequences>
void InsertByRank(std::unique_ptr<Sequence> sequence, Sequences* sequences) {
  const auto after = std::upper_bound(sequences->begin(), sequences->end(), sequence->rank(),
                                      [](const auto& rank, const auto& other) { return rank < other->rank(); });
  sequences->insert(after, std::move(sequence));
}

}  // namespace

Scheduler::Scheduler(const SchedulerLimits& limits, BlockPool* pool)
    : limits_(Sanitized(limits)), pool_(pool), blocks_(pool, limits.prefix_cache, limits.numerics_id), attempts_(kEndedAttempts) {}

Scheduler::~Scheduler() {
  for (const Owned& sequence : running_) blocks_.Release(sequence.get());
}

absl::StatusOr<SequenceId> Scheduler::Submit(SequenceRequest request) {
  ASSIGN_OR_RETURN(const SequenceId superseded, attempts_.Check(request.key, request.attempt));
  const int64_t tokens = static_cast<int64_t>(request.tokens.size());
  if (tokens == 0) return absl::InvalidArgumentError("a sequence needs at least one token");
  if (const int64_t blocks = MostBlocks(request); blocks > pool_->total_blocks()) {
    return absl::InvalidArgumentError(absl::StrCat("prompt and max_tokens need ", blocks, " KV blocks of ", kKvBlockTokens,
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
  InsertByRank(std::move(sequence), &waiting_);
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

void Scheduler::CancelGenerating(const absl::Status& why) {
  for (const auto& [id, sequence] : by_id_) {
    if (sequence->request.generates && sequence->ending.ok()) sequence->ending = why;
  }
}

bool Scheduler::EndIfDue(Owned* sequence, absl::Time now) {
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

void Scheduler::NotePaused() {
  for (const Owned& sequence : running_) {
    sequence->paused = sequence->state == SequenceState::kDecode && !sequence->request.observer->Writable();
  }
  for (const Owned& sequence : waiting_) sequence->paused = !sequence->request.observer->Writable();
}

std::vector<Sequence*> Scheduler::Admit(absl::Time now) {
  EndDue(now);
  NotePaused();
  std::vector<Sequence*> admitted;
  while (AdmitNext(&admitted)) {
  }
  return admitted;
}

bool Scheduler::AdmitNext(std::vector<Sequence*>* admitted) {
  const auto first = std::find_if(waiting_.begin(), waiting_.end(), [](const Owned& sequence) { return !sequence->paused; });
  if (first == waiting_.end()) return false;
  Sequence* const next = first->get();
  const SequenceRequest& request = next->request;
  StopReason done = StopReason::kNone;
  if (request.generates && next->generated() > 0) {
    done = CheckStop(request.stop, request.prompt_tokens, next->generated(), request.tokens.back());
  }
  if (done == StopReason::kNone && (running() >= limits_.max_running || !FindRoom(next))) return false;
  // FindRoom may have queued others.
  const auto at = std::find_if(waiting_.begin(), waiting_.end(), [next](const Owned& sequence) { return sequence.get() == next; });
  Owned owned = std::move(*at);
  waiting_.erase(at);
  waiting_tokens_ -= owned->known();
  if (done != StopReason::kNone) {
    End(std::move(owned), absl::OkStatus(), done);
    return true;
  }
  next->state = SequenceState::kPrefill;
  if (!std::exchange(next->admitted, true)) next->cached_tokens = std::min(next->computed, request.prompt_tokens);
  admitted->push_back(next);
  InsertByRank(std::move(owned), &running_);
  return true;
}

// A block stays free for each running sequence that may need one soon, lest the newcomer is preempted at once. Nobody gives way in vain.
bool Scheduler::FindRoom(Sequence* next) {
  const int64_t reserve = std::min(running(), pool_->total_blocks() - BlocksFor(next->known()));
  blocks_.Share(next);
  const int64_t wanted = MissingBlocks(*next) + reserve;
  const auto fits = [&] { return pool_->free_blocks() >= wanted; };
  if (!fits() && MayFree(wanted - pool_->free_blocks(), next->rank())) {
    while (!fits() && PreemptFor(next->rank())) {
    }
  }
  if (fits() && blocks_.Grow(next, next->known())) return true;
  blocks_.Release(next);
  return false;
}

bool Scheduler::CoverNext(Sequence* sequence) {
  while (!blocks_.Grow(sequence, sequence->computed + 1)) {
    if (!PreemptFor(sequence->rank())) return false;
  }
  return true;
}

bool Scheduler::YieldsTo(const Rank& rank, const Sequence& sequence) {
  return MayGiveWay(sequence) && (sequence.paused || rank < sequence.rank());
}

bool Scheduler::MayFree(int64_t blocks, const Rank& rank) const {
  std::vector<BlockId> held;
  for (const Owned& sequence : running_) {
    if (YieldsTo(rank, *sequence)) held.insert(held.end(), sequence->blocks.begin(), sequence->blocks.end());
  }
  return static_cast<int64_t>(held.size()) >= blocks && pool_->FreedBy(std::move(held)) >= blocks;
}

bool Scheduler::PreemptFor(const Rank& rank) {
  const auto last_that = [&](bool paused) {
    return std::find_if(running_.rbegin(), running_.rend(),
                        [&](const Owned& sequence) { return YieldsTo(rank, *sequence) && (!paused || sequence->paused); });
  };
  auto last = last_that(/*paused=*/true);
  if (last == running_.rend()) last = last_that(/*paused=*/false);
  if (last == running_.rend()) return false;
  Owned sequence = std::move(*last);
  running_.erase(std::next(last).base());
  blocks_.Release(sequence.get());
  sequence->state = SequenceState::kWaiting;
  sequence->draft = -1;
  waiting_tokens_ += sequence->known();
  ++preemptions_;
  InsertByRank(std::move(sequence), &waiting_);
  return true;
}

void Scheduler::StartRemotePrefill(Sequence* sequence) { sequence->state = SequenceState::kRemotePrefill; }

void Scheduler::FinishRemotePrefill(SequenceId id, bool filled) {
  const auto it = by_id_.find(id);
  if (it == by_id_.end() || it->second->state != SequenceState::kRemotePrefill) return;
  it->second->state = SequenceState::kPrefill;
  if (!filled) return;
  it->second->computed = it->second->known() - 1;
  blocks_.Publish(it->second);
}

StepPlan Scheduler::PlanStep() {
  NotePaused();
  StepPlan plan;
  AddDecodeRows(&plan);
  AddPrefillRows(&plan);
  return plan;
}

// Preemption takes away sequences behind the one at hand and paused ones anywhere, but none that has a row already.
void Scheduler::AddDecodeRows(StepPlan* plan) {
  std::vector<Sequence*> running;
  for (const Owned& sequence : running_) running.push_back(sequence.get());
  int64_t others = static_cast<int64_t>(running.size());
  for (Sequence* const sequence : running) {
    --others;
    if (sequence->state != SequenceState::kDecode || !sequence->ending.ok() || sequence->paused || !CoverNext(sequence)) continue;
    const bool verifies =
        sequence->draft >= 0 && plan->tokens + 2 + others < limits_.max_batch_tokens && blocks_.Grow(sequence, sequence->computed + 2);
    const int64_t count = verifies ? 2 : 1;
    plan->rows.push_back({.sequence = sequence, .first = sequence->computed, .count = count, .logits = count});
    plan->tokens += count;
  }
}

void Scheduler::AddPrefillRows(StepPlan* plan) const {
  int64_t budget = limits_.max_batch_tokens - plan->tokens;
  if (!plan->rows.empty()) budget = std::min(budget, limits_.prefill_chunk);
  for (const Owned& sequence : running_) {
    if (budget <= 0) return;
    if (sequence->state != SequenceState::kPrefill || !sequence->ending.ok()) continue;
    const int64_t left = sequence->known() - sequence->computed;
    const int64_t count = std::min({left, limits_.prefill_chunk, budget});
    const int64_t logits = sequence->request.generates && count == left ? 1 : 0;
    plan->rows.push_back({.sequence = sequence.get(), .first = sequence->computed, .count = count, .logits = logits});
    plan->tokens += count;
    budget -= count;
  }
}

void Scheduler::CompleteStep(const StepPlan& plan, absl::Span<const RowResult> results) {
  for (size_t i = 0; i < plan.rows.size(); ++i) CompleteRow(plan.rows[i], results[i]);
}

void Scheduler::CompleteRow(const StepRow& row, const RowResult& result) {
  Sequence& sequence = *row.sequence;
  const int64_t refused = row.logits - static_cast<int64_t>(result.tokens.size());
  sequence.computed = row.first + row.count - refused;
  sequence.draft = result.draft;
  blocks_.Publish(&sequence);
  if (!sequence.request.generates) {
    if (sequence.computed == sequence.known()) EndRunning(sequence.id, absl::OkStatus(), StopReason::kNone);
    return;
  }
  for (const int32_t token : result.tokens) {
    // By the request alone (its grammar, and the ids that it bans): no other worker would find one.
    if (token < 0)
      return EndRunning(sequence.id, absl::InvalidArgumentError("no token may follow what the sequence has so far"), StopReason::kNone);
    sequence.request.tokens.push_back(token);
    sequence.state = SequenceState::kDecode;
    const StopReason reason = CheckStop(sequence.request.stop, sequence.request.prompt_tokens, sequence.generated(), token);
    if (reason != StopReason::kNone) return EndRunning(sequence.id, absl::OkStatus(), reason);
  }
}

void Scheduler::FailStep(const StepPlan& plan, const absl::Status& status) {
  for (const StepRow& row : plan.rows) EndRunning(row.sequence->id, status, StopReason::kNone);
}

void Scheduler::EndRunning(SequenceId id, absl::Status status, StopReason reason) {
  const auto it = std::find_if(running_.begin(), running_.end(), [id](const auto& sequence) { return sequence->id == id; });
  if (it == running_.end()) return;
  Owned sequence = std::move(*it);
  running_.erase(it);
  End(std::move(sequence), std::move(status), reason);
}

void Scheduler::End(Owned sequence, absl::Status status, StopReason reason) {
  blocks_.Release(sequence.get());
  attempts_.End(sequence->request.key, sequence->id);
  by_id_.erase(sequence->id);
  sequence->end_status = std::move(status);
  sequence->end_reason = reason;
  ended_.push_back(std::move(sequence));
}

std::vector<std::unique_ptr<Sequence>> Scheduler::TakeEnded() { return std::exchange(ended_, {}); }

}  // namespace baleen
