#include "services/attention/prefill/prefill_coordinator.h"

#include <algorithm>
#include <map>
#include <mutex>
#include <set>
#include <utility>
#include <vector>

#include "proto/baleen/v1/attention.pb.h"
#include "services/attention/probe.h"
#include "services/attention/trace/sequence_trace.h"
#include "services/common/deadline.h"
#include "services/common/log.h"
#include "services/common/request_id.h"

namespace baleen {
namespace {

// Fills that are asked for so shortly after each other may arrive at their worker, and be filled, the other way round.
constexpr absl::Duration kReordering = absl::Seconds(1);

// One sequence's fill. The mutex is never held across a call of the client.
struct Fill {
  SequenceId sequence = 0;
  uint64_t reservation = 0;
  int64_t tokens = 0;
  int32_t priority = 0;
  absl::Time deadline;
  v1::FillRequest request;
  std::shared_ptr<SequenceTrace> trace;  // Null = not traced.

  std::mutex mu;
  uint32_t attempt = 0;  // 1 for the first worker asked.
  std::set<std::string> tried;
  std::string worker_id;
  std::function<void()> cancel;
  absl::Time turn;  // When that worker was asked, as priority has it: it fills in this order.
  int64_t rows_seen = 0;
  absl::Time progress_at;  // The last row of this fill or of one that the worker fills first.

  std::mutex done_mu;  // Held while `done` runs, so that Abort can wait for it.
  std::function<void(bool)> done;
};

}  // namespace

struct PrefillCoordinator::Impl : std::enable_shared_from_this<Impl> {
  Impl(PrefillCoordinatorOptions options_in, PrefillPicker* picker_in, FillClient* client_in, ReservationTable* reservations_in,
       AttentionProbe* probe_in, Clock* clock_in)
      : options(std::move(options_in)),
        picker(picker_in),
        client(client_in),
        reservations(reservations_in),
        probe(probe_in),
        clock(clock_in) {}

  // Asks the next worker; concludes when there is none.
  void Try(const std::shared_ptr<Fill>& fill);
  void OnReply(const std::shared_ptr<Fill>& fill, uint32_t attempt, const absl::Status& status);
  // Leaves the worker of `attempt`; false when that attempt is over already.
  bool LeaveWorker(Fill& fill, uint32_t attempt, bool failed);
  void Conclude(const std::shared_ptr<Fill>& fill, bool filled);
  std::vector<std::shared_ptr<Fill>> Active();
  // Notes what came since the last call, which shows that its worker is at work: fills that wait behind are not stalled.
  void NoteProgress(const std::vector<std::shared_ptr<Fill>>& active);
  absl::Status CheckWorker(const Fill& fill, absl::Time now) const;

  const PrefillCoordinatorOptions options;
  PrefillPicker* const picker;
  FillClient* const client;
  ReservationTable* const reservations;
  AttentionProbe* const probe;
  Clock* const clock;
  std::mutex mu;
  std::map<SequenceId, std::shared_ptr<Fill>> fills;
  std::map<std::string, absl::Time> filled;  // The first turn that each worker came to the end of since NoteProgress.
};

void PrefillCoordinator::Impl::Try(const std::shared_ptr<Fill>& fill) {
  v1::FillRequest request;
  std::string address;
  uint32_t attempt = 0;
  {
    const std::lock_guard lock(fill->mu);
    std::optional<PrefillWorker> worker;
    if (static_cast<int>(fill->tried.size()) < options.max_tries) worker = picker->Pick(fill->tried, fill->tokens);
    if (worker.has_value()) {
      attempt = ++fill->attempt;
      fill->tried.insert(worker->worker_id);
      fill->worker_id = worker->worker_id;
      fill->rows_seen = 0;
      fill->progress_at = clock->Now();
      fill->turn = fill->progress_at - fill->priority * kPriorityHeadStart;
      fill->request.mutable_context()->set_attempt(attempt);
      fill->request.mutable_context()->set_timeout_ms(TimeoutMs(fill->deadline, fill->progress_at));
      request = fill->request;
      address = worker->address;
    }
  }
  if (attempt == 0) return Conclude(fill, false);
  if (!reservations->BeginAttempt(fill->reservation, attempt)) {  // Aborted meanwhile.
    LeaveWorker(*fill, attempt, false);
    return Conclude(fill, false);
  }
  auto cancel = client->Fill(address, request, fill->deadline, [weak = weak_from_this(), fill, attempt](absl::Status status) {
    if (auto self = weak.lock()) self->OnReply(fill, attempt, status);
  });
  bool over = false;
  {
    const std::lock_guard lock(fill->mu);
    over = fill->attempt != attempt || fill->worker_id.empty();
    if (!over) fill->cancel = cancel;
  }
  if (over) cancel();
}

bool PrefillCoordinator::Impl::LeaveWorker(Fill& fill, uint32_t attempt, bool failed) {
  std::function<void()> cancel;
  {
    const std::lock_guard lock(fill.mu);
    if (fill.attempt != attempt || fill.worker_id.empty()) return false;
    const std::string worker_id = std::exchange(fill.worker_id, {});
    picker->Done(worker_id, fill.tokens);
    if (failed) picker->Failed(worker_id);
    cancel = std::exchange(fill.cancel, nullptr);
  }
  if (cancel) cancel();
  return true;
}

void PrefillCoordinator::Impl::OnReply(const std::shared_ptr<Fill>& fill, uint32_t attempt, const absl::Status& status) {
  std::string worker_id;
  absl::Time turn;
  {
    const std::lock_guard lock(fill->mu);
    worker_id = fill->worker_id;
    turn = fill->turn;
  }
  // DEADLINE_EXCEEDED is the request's own deadline, and says nothing of the worker.
  if (!LeaveWorker(*fill, attempt, absl::IsUnavailable(status))) return;
  if (status.ok()) {
    const std::lock_guard lock(mu);
    const auto [first, added] = filled.emplace(worker_id, turn);
    if (!added) first->second = std::min(first->second, turn);
  }
  if (status.ok() && reservations->Complete(fill->reservation, attempt)) return Conclude(fill, true);
  Log(LogLevel::kWarning, "remote_prefill_failed",
      {{"request", RequestIdToHex(fill->request.context().request_id())},
       {"code", absl::StatusCodeToString(status.code())},
       {"error", std::string(status.message())},
       {"attempt", std::to_string(attempt)}});
  Try(fill);
}

void PrefillCoordinator::Impl::Conclude(const std::shared_ptr<Fill>& fill, bool filled) {
  reservations->Close(fill->reservation);
  if (fill->trace != nullptr) fill->trace->RemotePrefillEnded(filled, clock->Now());
  {
    const std::lock_guard lock(mu);
    fills.erase(fill->sequence);
  }
  const std::lock_guard lock(fill->done_mu);
  const std::function<void(bool)> done = std::exchange(fill->done, nullptr);
  if (!done) return;
  probe->RemotePrefill(filled);
  done(filled);
}

std::vector<std::shared_ptr<Fill>> PrefillCoordinator::Impl::Active() {
  const std::lock_guard lock(mu);
  std::vector<std::shared_ptr<Fill>> active;
  for (const auto& [id, fill] : fills) active.push_back(fill);
  return active;
}

PrefillCoordinator::PrefillCoordinator(PrefillCoordinatorOptions options, PrefillPicker* picker, FillClient* client,
                                       ReservationTable* reservations, AttentionProbe* probe, Clock* clock)
    : impl_(std::make_shared<Impl>(std::move(options), picker, client, reservations, probe, clock)) {}

PrefillCoordinator::~PrefillCoordinator() {
  for (const auto& fill : impl_->Active()) Abort(fill->sequence);
}

bool PrefillCoordinator::Wants(const Sequence& sequence) const {
  const int64_t missing = sequence.known() - sequence.computed;
  // A prefill worker has the prompt at best, and would compute all that was generated.
  if (sequence.generated() > 0 && missing <= sequence.computed) return false;
  return missing > impl_->options.local_prefill_tokens && missing > 1 && impl_->picker->Any();
}

void PrefillCoordinator::Start(const Sequence& sequence, std::function<void(bool filled)> done) {
  auto fill = std::make_shared<Fill>();
  fill->sequence = sequence.id;
  const int64_t end = sequence.known() - 1;
  fill->tokens = end - sequence.computed;
  fill->priority = sequence.request.priority;
  fill->deadline = sequence.request.deadline;
  fill->done = std::move(done);
  fill->reservation = impl_->reservations->Open(sequence.blocks, sequence.computed, end);
  v1::FillRequest& request = fill->request;
  request.mutable_context()->set_request_id(sequence.request.request_id);
  request.mutable_context()->set_choice(sequence.request.sampler.choice);
  request.mutable_context()->set_numerics_id(impl_->options.numerics_id);
  request.mutable_tokens()->Add(sequence.request.tokens.begin(), sequence.request.tokens.end() - 1);
  request.set_kv_address(impl_->options.kv_address());
  request.set_reservation(fill->reservation);
  request.set_cache_salt(sequence.request.cache_salt);
  request.set_first_token(static_cast<uint32_t>(sequence.computed));
  request.set_next_token(static_cast<uint32_t>(sequence.request.tokens.back()));
  request.set_priority(fill->priority);
  request.set_kv_layers(static_cast<uint32_t>(impl_->options.kv_layers));
  fill->trace = sequence.request.trace;
  if (fill->trace != nullptr) request.set_traceparent(fill->trace->RemotePrefillStarted(impl_->clock->Now()));
  {
    const std::lock_guard lock(impl_->mu);
    impl_->fills[fill->sequence] = fill;
  }
  impl_->Try(fill);
}

void PrefillCoordinator::Abort(SequenceId id) {
  std::shared_ptr<Fill> fill;
  {
    const std::lock_guard lock(impl_->mu);
    const auto it = impl_->fills.find(id);
    if (it == impl_->fills.end()) return;
    fill = std::move(it->second);
    impl_->fills.erase(it);
  }
  impl_->reservations->Close(fill->reservation);
  if (fill->trace != nullptr) fill->trace->RemotePrefillEnded(false, impl_->clock->Now());
  {
    const std::lock_guard lock(fill->done_mu);
    fill->done = nullptr;
  }
  uint32_t attempt = 0;
  {
    const std::lock_guard lock(fill->mu);
    attempt = fill->attempt;
  }
  impl_->LeaveWorker(*fill, attempt, false);
}

void PrefillCoordinator::Impl::NoteProgress(const std::vector<std::shared_ptr<Fill>>& active) {
  std::map<std::string, absl::Time> first_turn;
  {
    const std::lock_guard lock(mu);
    first_turn.swap(filled);
  }
  for (const auto& fill : active) {
    const int64_t rows = reservations->RowsWritten(fill->reservation);
    const std::lock_guard lock(fill->mu);
    if (rows == std::exchange(fill->rows_seen, rows) || fill->worker_id.empty()) continue;
    const auto [first, added] = first_turn.emplace(fill->worker_id, fill->turn);
    if (!added) first->second = std::min(first->second, fill->turn);
  }
  if (first_turn.empty()) return;
  const absl::Time now = clock->Now();  // Not before the rows were counted, or some that came late would count as old ones.
  for (const auto& fill : active) {
    const std::lock_guard lock(fill->mu);
    const auto first = first_turn.find(fill->worker_id);
    if (first != first_turn.end() && first->second <= fill->turn + kReordering) fill->progress_at = now;
  }
}

absl::Status PrefillCoordinator::Impl::CheckWorker(const Fill& fill, absl::Time now) const {
  if (!fill.worker_id.empty() && !picker->Listed(fill.worker_id)) {
    return absl::UnavailableError("the prefill worker left the cluster");
  }
  if (now - fill.progress_at > options.stall_timeout) return absl::UnavailableError("the prefill worker makes no progress");
  return absl::OkStatus();
}

void PrefillCoordinator::Tick() {
  const absl::Time now = impl_->clock->Now();
  const std::vector<std::shared_ptr<Fill>> active = impl_->Active();
  impl_->NoteProgress(active);
  for (const auto& fill : active) {
    uint32_t attempt = 0;
    absl::Status given_up;
    {
      const std::lock_guard lock(fill->mu);
      attempt = fill->attempt;
      given_up = impl_->CheckWorker(*fill, now);
    }
    if (!given_up.ok()) impl_->OnReply(fill, attempt, given_up);
  }
}

}  // namespace baleen
