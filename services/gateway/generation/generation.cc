#include "services/gateway/generation/generation.h"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <optional>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/common/log.h"
#include "services/common/request_id.h"
#include "services/gateway/generation/admitted_generation.h"
#include "services/gateway/generation/attempt_outcome.h"
#include "services/gateway/generation/decode_event.h"
#include "services/gateway/generation/decode_stream.h"
#include "services/gateway/generation/generation_trace.h"
#include "services/gateway/generation/output_assembler.h"
#include "services/gateway/generation/quarantine.h"
#include "services/gateway/generation/resume_point.h"
#include "services/gateway/generation/start_message.h"
#include "services/gateway/generation/worker_picker.h"
#include "services/gateway/resume/recall_client.h"

namespace baleen {
namespace {

// A request without a token is refused when no worker has taken it for this long, or none has been ready (a lost expert is loaded
// elsewhere, say); one that has tokens waits until its deadline. Below the 30 seconds after which many clients stop listening.
constexpr absl::Duration kPatience = absl::Seconds(20);
constexpr absl::Duration kIsolationPoll = absl::Milliseconds(50);
// By then placement has taken a dead worker out of the map: its heartbeats ended.
constexpr absl::Duration kInquest = absl::Seconds(4);
constexpr absl::Duration kInquestRound = absl::Milliseconds(250);
// Tokens that a client is told again at a time, in 64 KiB of events or so, and how soon one that did not read them is looked at again.
constexpr size_t kReplaySlice = 256;
constexpr absl::Duration kReplayPoll = absl::Milliseconds(10);
// How long a request that its client left for a while looks for a worker to keep it.
constexpr absl::Duration kLeaving = absl::Seconds(30);

absl::Status NoneReady() { return absl::UnavailableError("No decode worker is ready; try again shortly."); }
absl::Status DeadlinePassed() { return absl::DeadlineExceededError("The request's deadline passed before it was finished."); }
absl::Status AllFull() { return absl::UnavailableError("No decode worker has room; try again shortly."); }

class GenerationImpl final : public Generation, public std::enable_shared_from_this<GenerationImpl> {
 public:
  GenerationImpl(const GenerationContext& context, GenerationInput input, absl::Time since, StopMatcher matcher, GenerationSink sink)
      : context_(context),
        input_(std::move(input)),
        sink_(std::move(sink)),
        resume_(ProgressOf(input_)),
        suspect_(absl::StrCat(input_.request_id, "/", input_.choice)),
        attempt_(resume_ ? AttemptAbove(resume_->attempt, 1) : 0),
        assembler_(*context.tokenizer, input_.split_reasoning, input_.opens_thinking, std::move(matcher),
                   ToolCallOutput{input_.tool_calls, input_.single_tool_call}),
        taken_at_(since),
        admitted_(resume_.has_value()) {
    usage_.prompt_tokens = static_cast<int64_t>(input_.prompt.size());
    if (resume_) numerics_id_ = resume_->numerics_id;
  }

  // Gives out what is there already, then runs the next attempt.
  void StartAttempt();
  void Cancel() override;
  void Detach() override;
  void Pause(bool paused) override;

 private:
  bool Replays() const { return resume_ && journal_.size() < resume_->generated.size(); }
  // In slices, which stop while the client does not read: an answer of any length takes no more memory than one that is made.
  void Replay();
  std::optional<PickedWorker> Pick();
  bool Isolate();
  void OpenStream(const PickedWorker& worker, uint32_t attempt);
  void OnEvent(uint32_t attempt, const v1::DecodeEvent& event);
  void OnAccepted(uint32_t attempt);
  void OnAdmitted();
  // Looks again and again, until there is a token, whether a worker is ready that the request could go on with.
  void WatchForToken(uint32_t attempt, absl::Duration delay);
  void GiveUpWithoutWorkers(uint32_t attempt);
  // A paused stream does not tell of its end, which a deadline is too.
  void WatchDeadline(absl::Duration delay);
  void EndPaused();
  GenerationEvent EventOf(OutputDelta delta) const;
  // False once the request has ended.
  bool AddToken(TokenChoice choice);
  void OnToken(const v1::TokenEvent& token);
  void OnFinish(const v1::FinishEvent& finish);
  void OnDone(uint32_t attempt, absl::Status status);
  void OnFenced();
  void OnMoved();
  void OnWorkerFailure();
  void LeaveWorker();
  AfterDeath Verdict();
  // Gives the request up when all workers that it lost are out of the map; goes on when one answers or stays in the map.
  void HoldInquest();
  void AskLostWorkers();
  void Acquit();
  void TryAgain(absl::Status why);
  void RunLater(absl::Duration delay);
  // Whether the attempt's events are still wanted.
  bool Listens(uint32_t attempt);
  // Marks the request as ended and lets its stream go; false when it had ended before.
  bool End(std::shared_ptr<DecodeStream>* stream);
  void Fail(absl::Status status);

  const GenerationContext context_;
  const GenerationInput input_;
  const GenerationSink sink_;
  const std::optional<GenerationResume> resume_;
  const std::string suspect_;  // To the quarantine: choices of one request may lose one worker together.

  std::mutex mutex_;  // Guards what the client's side shares with the stream's callbacks.
  bool ended_ = false;
  bool paused_ = false;
  bool deadline_watched_ = false;
  bool kept_ = false;     // The current worker has the journal.
  bool leaving_ = false;  // The client has detached; a worker is to have the journal before this goes.
  absl::Time left_at_;
  uint32_t attempt_;
  uint32_t done_attempt_ = 0;  // The last one whose stream has ended, maybe while it was opened.
  bool has_token_ = false;
  bool hopeless_ = false;  // The stream was cancelled because no worker is ready.
  std::shared_ptr<DecodeStream> stream_;

  // Touched by one callback at a time: attempts follow each other.
  OutputAssembler assembler_;
  std::vector<uint32_t> journal_;
  std::set<std::string> failed_workers_;  // Since the last token.
  PickedWorker current_worker_;
  std::vector<PickedWorker> lost_workers_;  // Without a token from them, since the last one.
  std::string numerics_id_;
  GenerationUsage usage_;
  absl::Time taken_at_;      // When a worker last had it; before, when its client began to wait.
  bool accepted_ = false;    // By the current worker,
  bool computed_ = false;    // and it did more than wait there,
  bool progressed_ = false;  // and had a token.
  bool isolated_ = false;
  bool insisted_ = false;
  int64_t streams_ = 0;  // Opened.
  absl::Time inquest_ends_;
  bool admitted_;      // Some worker has had it: it is refused no more.
  absl::Status full_;  // Not OK while workers refuse for want of room.
  int failures_ = 0;   // In a row, without a token.
};

void GenerationImpl::StartAttempt() {
  uint32_t attempt = 0;
  bool give_up = false;
  bool paused = false;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (ended_) return;
    paused = paused_;
    attempt = attempt_ + 1;
    give_up = leaving_ && context_.clock->Now() - left_at_ > kLeaving;
  }
  if (give_up || context_.clock->Now() >= input_.deadline) return Fail(DeadlinePassed());
  if (Replays()) return paused ? RunLater(kReplayPoll) : Replay();
  if (isolated_ && !Isolate()) return RunLater(kIsolationPoll);
  std::optional<PickedWorker> worker = Pick();
  if (worker && full_.ok() && failed_workers_.count(worker->worker_id) > 0) {
    // All have failed. Those before the last one may have recovered; the map may take seconds to say that the last one has not.
    failed_workers_ = {current_worker_.worker_id};
    worker = Pick();
  }
  // A worker that refused is only picked again when all have: then the fleet is full, and only what a worker had once goes on waiting.
  if (worker && (full_.ok() || failed_workers_.count(worker->worker_id) == 0)) return OpenStream(*worker, attempt);
  if (worker) {
    absl::Status full = std::exchange(full_, absl::OkStatus());
    return admitted_ ? TryAgain(AllFull()) : Fail(std::move(full));
  }
  TryAgain(NoneReady());
}

void GenerationImpl::Replay() {
  const std::vector<int32_t>& known = resume_->generated;
  for (size_t i = 0; i < kReplaySlice && Replays(); ++i) {
    if (!AddToken({.token = known[journal_.size()]})) return;
  }
  Replays() ? RunLater(absl::ZeroDuration()) : StartAttempt();
}

std::optional<PickedWorker> GenerationImpl::Pick() {
  // Until there is a token the request is bound to no arithmetic; a choice that is made again may have had some.
  const bool free = journal_.empty() && (!resume_ || input_.resume.count(input_.choice) > 0);
  const StandbyKey left{input_.request_id, input_.choice, current_worker_.worker_id, current_worker_.numerics_id};
  return context_.picker->Pick(failed_workers_, free ? "" : numerics_id_, {.salt = input_.cache_salt, .tokens = input_.prompt},
                               accepted_ ? &left : nullptr);
}

bool GenerationImpl::Isolate() {
  const std::lock_guard<std::mutex> lock(mutex_);
  return ended_ || context_.quarantine->TryIsolate(suspect_);
}

void GenerationImpl::OpenStream(const PickedWorker& worker, uint32_t attempt) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    attempt_ = attempt;
    kept_ = false;
  }
  usage_.failovers = streams_++;
  current_worker_ = worker;
  current_worker_.open = nullptr;  // The stream has it.
  numerics_id_ = worker.numerics_id;
  accepted_ = false;
  computed_ = false;
  progressed_ = false;
  DecodeCallbacks callbacks;
  callbacks.on_event = [self = shared_from_this(), attempt](const v1::DecodeEvent& event) { self->OnEvent(attempt, event); };
  callbacks.on_done = [self = shared_from_this(), attempt, open = worker.open](absl::Status status) {
    self->OnDone(attempt, std::move(status));
  };
  v1::StartSequence start = MakeStartMessage(input_, journal_, attempt, numerics_id_, context_.clock->Now());
  if (input_.trace != nullptr) start.set_traceparent(input_.trace->AttemptStarted(input_.choice, attempt, worker.worker_id));
  std::shared_ptr<DecodeStream> stream = context_.dialer->Open(worker.address, std::move(start), std::move(callbacks));
  const std::lock_guard<std::mutex> lock(mutex_);
  if (ended_) {
    leaving_ ? stream->Detach() : stream->Cancel();
  } else if (attempt_ == attempt && done_attempt_ != attempt) {
    if (paused_) stream->Pause(true);
    if (leaving_ && kept_) stream->Detach();
    stream_ = std::move(stream);
  }
}

void GenerationImpl::Cancel() {
  std::shared_ptr<DecodeStream> stream;
  if (End(&stream) && stream != nullptr) stream->Cancel();
}

// Nobody else has the journal between workers, nor when the one that has it turns out to have gone: it would be lost with the connection
// that it is to outlive. So only the stream's end ends this.
void GenerationImpl::Detach() {
  if (input_.edge.empty()) return Cancel();
  std::shared_ptr<DecodeStream> stream;
  bool kept = false;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (ended_) return;
    leaving_ = true;
    left_at_ = context_.clock->Now();
    paused_ = false;
    kept = kept_;
    stream = stream_;
  }
  if (stream == nullptr) return;
  kept ? stream->Detach() : stream->Pause(false);  // It is to tell when the worker has it.
}

void GenerationImpl::Pause(bool paused) {
  std::shared_ptr<DecodeStream> stream;
  bool watch = false;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    paused_ = paused;
    stream = stream_;
    watch = paused && input_.deadline < absl::InfiniteFuture() && !std::exchange(deadline_watched_, true);
  }
  if (watch) WatchDeadline(input_.deadline - context_.clock->Now());
  if (stream != nullptr) stream->Pause(paused);
}

void GenerationImpl::WatchDeadline(absl::Duration delay) {
  context_.timers->After(std::max(delay, absl::ZeroDuration()) + kDeadlineGrace, [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->EndPaused();
  });
}

// The stream's end tells the client.
void GenerationImpl::EndPaused() {
  std::shared_ptr<DecodeStream> stream;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (ended_) return;
    stream = stream_;
  }
  if (stream != nullptr) return stream->Cancel();
  WatchDeadline(absl::ZeroDuration());  // It may just be opened.
}

bool GenerationImpl::Listens(uint32_t attempt) {
  const std::lock_guard<std::mutex> lock(mutex_);
  return !ended_ && attempt == attempt_ && !(leaving_ && kept_);
}

bool GenerationImpl::End(std::shared_ptr<DecodeStream>* stream) {
  const std::lock_guard<std::mutex> lock(mutex_);
  *stream = std::exchange(stream_, nullptr);
  if (std::exchange(ended_, true)) return false;
  if (input_.trace != nullptr) input_.trace->AttemptEnded(input_.choice, absl::OkStatus());
  if (context_.quarantine != nullptr) context_.quarantine->Ended(suspect_);
  return true;
}

void GenerationImpl::OnEvent(uint32_t attempt, const v1::DecodeEvent& event) {
  if (!Listens(attempt)) return;
  if (!accepted_) {
    OnAccepted(attempt);
    if (!Listens(attempt)) return;
  }
  if (!computed_ && !event.has_accepted()) OnAdmitted();
  switch (event.event_case()) {
    case v1::DecodeEvent::kPrefilled:
      if (journal_.empty()) usage_.prompt_cache_hit_tokens = event.prefilled().prompt_cache_hit_tokens();
      break;
    case v1::DecodeEvent::kToken:
      OnToken(event.token());
      break;
    case v1::DecodeEvent::kFinish:
      OnFinish(event.finish());
      break;
    default:
      break;
  }
}

void GenerationImpl::OnAccepted(uint32_t attempt) {
  accepted_ = true;
  admitted_ = true;
  full_ = absl::OkStatus();
  std::shared_ptr<DecodeStream> left;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    kept_ = true;
    if (leaving_) left = stream_;
  }
  if (left != nullptr) return left->Detach();
  if (journal_.empty()) WatchForToken(attempt, kPatience);
}

// Every event but the first tells of this too.
void GenerationImpl::OnAdmitted() {
  computed_ = true;
  const std::lock_guard<std::mutex> lock(mutex_);
  if (!ended_ && context_.quarantine != nullptr) context_.quarantine->Started(suspect_, current_worker_.worker_id);
}

void GenerationImpl::WatchForToken(uint32_t attempt, absl::Duration delay) {
  context_.timers->After(delay, [weak = weak_from_this(), attempt] {
    if (const auto self = weak.lock()) self->GiveUpWithoutWorkers(attempt);
  });
}

// The worker that has the request may have lost what it needs, and holds it until its deadline. The stream's end tells the client.
void GenerationImpl::GiveUpWithoutWorkers(uint32_t attempt) {
  const absl::Duration left = context_.picker->NoneReadySince() + kPatience - context_.clock->Now();
  std::shared_ptr<DecodeStream> stream;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (ended_ || leaving_ || has_token_ || attempt != attempt_) return;
    if (left <= absl::ZeroDuration()) stream = stream_;
    hopeless_ = stream != nullptr;
  }
  if (stream != nullptr) return stream->Cancel();
  if (left > absl::ZeroDuration()) WatchForToken(attempt, std::min(left, kPatience));
}

void GenerationImpl::OnToken(const v1::TokenEvent& token) {
  if (token.index() < journal_.size()) return;  // A worker may repeat what the journal gave it.
  if (token.index() > journal_.size()) return Fail(absl::InternalError("A decode worker left out a token."));
  failures_ = 0;
  isolated_ = false;
  if (!std::exchange(progressed_, true)) {
    const std::lock_guard<std::mutex> lock(mutex_);
    has_token_ = true;
  }
  failed_workers_.clear();
  lost_workers_.clear();
  if (context_.quarantine != nullptr) context_.quarantine->Progressed(suspect_);
  AddToken(ToChoice(token));
}

GenerationEvent GenerationImpl::EventOf(OutputDelta delta) const {
  GenerationEvent event;
  event.reasoning = std::move(delta.reasoning);
  event.text = std::move(delta.text);
  event.tool_calls = std::move(delta.tool_calls);
  event.numerics_id = numerics_id_;
  event.usage = usage_;
  return event;
}

bool GenerationImpl::AddToken(TokenChoice choice) {
  journal_.push_back(static_cast<uint32_t>(choice.token));
  usage_.completion_tokens = static_cast<int64_t>(journal_.size());
  OutputDelta delta = assembler_.Add(choice.token);
  const bool stopped = delta.stopped;
  choice.place = delta.place;
  choice.text_bytes = delta.text_bytes;
  usage_.reasoning_tokens = assembler_.reasoning_tokens();
  GenerationEvent event = EventOf(std::move(delta));
  event.tokens.push_back(std::move(choice));
  if (!stopped) {
    sink_(std::move(event));
    return true;
  }
  event.finish = assembler_.has_tool_calls() ? Finish::kToolCalls : Finish::kStop;
  std::shared_ptr<DecodeStream> stream;
  if (!End(&stream)) return false;
  sink_(std::move(event));
  if (stream != nullptr) stream->Cancel();
  return false;
}

void GenerationImpl::OnFinish(const v1::FinishEvent& finish) {
  std::shared_ptr<DecodeStream> stream;
  if (!End(&stream)) return;
  std::vector<int32_t> tokens = input_.prompt;
  tokens.insert(tokens.end(), journal_.begin(), journal_.end());
  context_.picker->Remember(current_worker_.worker_id, {.salt = input_.cache_salt, .tokens = tokens});
  OutputDelta delta = assembler_.Finish();
  const bool stopped = delta.stopped;
  GenerationEvent event = EventOf(std::move(delta));
  event.finish = stopped ? Finish::kStop : ToFinish(finish.reason());
  if (event.finish == Finish::kStop && assembler_.has_tool_calls()) event.finish = Finish::kToolCalls;
  sink_(std::move(event));
}

void GenerationImpl::OnDone(uint32_t attempt, absl::Status status) {
  bool hopeless = false;
  bool left = false;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (ended_ || attempt != attempt_) return;
    stream_ = nullptr;
    done_attempt_ = attempt;
    left = std::exchange(kept_, false) && leaving_;
    hopeless = hopeless_ && !has_token_;
  }
  if (left && KeepsJournal(status)) return Cancel();
  if (input_.trace != nullptr) input_.trace->AttemptEnded(input_.choice, status);
  if (hopeless) return Fail(NoneReady());
  if (context_.clock->Now() >= input_.deadline) return Fail(DeadlinePassed());
  const AttemptOutcome outcome = OutcomeOf(status);
  switch (outcome) {
    case AttemptOutcome::kFailed:
    case AttemptOutcome::kMoved:
      Log(LogLevel::kInfo, "attempt_failed",
          {{"request", RequestIdToHex(input_.request_id)},
           {"worker", current_worker_.worker_id},
           {"code", absl::StatusCodeToString(status.code())},
           {"tokens", absl::StrCat(journal_.size())}});
      return outcome == AttemptOutcome::kMoved ? OnMoved() : OnWorkerFailure();
    case AttemptOutcome::kFull:
      failed_workers_.insert(current_worker_.worker_id);
      full_ = std::move(status);
      return StartAttempt();
    case AttemptOutcome::kFenced:
      return OnFenced();
    case AttemptOutcome::kHopeless:
      return Fail(std::move(status));
  }
}

// The newest connection has the request. Two that resume it at once may each take the other for the older one, and a client that has left
// one of them hears only the other: each insists once.
void GenerationImpl::OnFenced() {
  if (!resume_ || std::exchange(insisted_, true)) return Fail(absl::AbortedError("The request goes on over another connection."));
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    attempt_ = AttemptAbove(attempt_, 2);  // Where the other one is, and one more.
  }
  TryAgain(absl::AbortedError("The request goes on over another connection."));
}

void GenerationImpl::OnMoved() {
  LeaveWorker();
  if (context_.quarantine != nullptr) context_.quarantine->Left(suspect_);
  TryAgain(absl::UnavailableError("Several workers left while they had this request; try again shortly."));
}

void GenerationImpl::LeaveWorker() {
  failed_workers_.insert(current_worker_.worker_id);
  if (accepted_) taken_at_ = context_.clock->Now();
}

void GenerationImpl::OnWorkerFailure() {
  LeaveWorker();
  if (computed_ && !progressed_) lost_workers_.push_back(current_worker_);
  switch (Verdict()) {
    case AfterDeath::kGiveUp:
      inquest_ends_ = context_.clock->Now() + kInquest;
      return HoldInquest();
    case AfterDeath::kIsolate:
      isolated_ = true;
      break;
    case AfterDeath::kRetry:
      break;
  }
  TryAgain(absl::UnavailableError("Several workers failed on this request; try again shortly."));
}

// A stream that broke before the worker computed anything of the request says nothing about the request.
AfterDeath GenerationImpl::Verdict() {
  if (!computed_ || context_.quarantine == nullptr) return AfterDeath::kRetry;
  return context_.quarantine->Died(suspect_);
}

// A connection that broke looks like a death. No request cuts a living worker off.
void GenerationImpl::HoldInquest() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (ended_) return;
  }
  std::erase_if(lost_workers_, [this](const PickedWorker& worker) { return !context_.picker->Lists(worker.worker_id); });
  if (lost_workers_.empty())
    return Fail(absl::DataLossError("The request was given up: workers ended while they ran it. Sending it again may end the same way."));
  const absl::Time now = context_.clock->Now();
  if (now >= std::min(inquest_ends_, input_.deadline)) return Acquit();
  AskLostWorkers();
}

void GenerationImpl::AskLostWorkers() {
  const auto next_round = [self = shared_from_this()] { self->context_.timers->After(kInquestRound, [self] { self->HoldInquest(); }); };
  if (context_.recaller == nullptr) return next_round();
  struct Round {
    std::atomic<size_t> open = 0;
    std::atomic<bool> answered = false;
  };
  const auto round = std::make_shared<Round>();
  const std::vector<PickedWorker> asked = lost_workers_;
  round->open = asked.size();
  for (const PickedWorker& worker : asked) {
    // No request has this id, so nothing is recalled.
    context_.recaller->Recall(worker.address, v1::RecallRequest(), context_.clock->Now() + kInquestRound,
                              [self = shared_from_this(), round, next_round](const absl::StatusOr<v1::RecallReply>& reply) {
                                if (Answered(reply.status())) round->answered = true;
                                if (--round->open == 0) round->answered ? self->Acquit() : next_round();
                              });
  }
}

void GenerationImpl::Acquit() {
  lost_workers_.clear();
  isolated_ = false;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (!ended_) context_.quarantine->Ended(suspect_);
  }
  TryAgain(absl::UnavailableError("Several connections to workers broke under this request; try again shortly."));
}

void GenerationImpl::TryAgain(absl::Status why) {
  absl::Duration delay = RetryDelay(++failures_);
  if (journal_.empty()) {
    const absl::Duration left = taken_at_ + kPatience - context_.clock->Now();
    if (left <= absl::ZeroDuration()) return Fail(std::move(why));
    delay = std::min(delay, left);
  }
  RunLater(delay);
}

void GenerationImpl::RunLater(absl::Duration delay) {
  context_.timers->After(delay, [self = shared_from_this()] { self->StartAttempt(); });
}

void GenerationImpl::Fail(absl::Status status) {
  std::shared_ptr<DecodeStream> stream;
  if (!End(&stream)) return;
  GenerationEvent event;
  event.status = std::move(status);
  event.usage = usage_;
  sink_(std::move(event));
  if (stream != nullptr) stream->Cancel();
}

class EndedGeneration final : public Generation {
 public:
  void Cancel() override {}
  void Detach() override {}
  void Pause(bool) override {}
};

}  // namespace

std::shared_ptr<Generation> StartAttempts(const GenerationContext& context, GenerationInput input, absl::Time since, GenerationSink sink) {
  absl::StatusOr<StopMatcher> matcher = StopMatcher::Create(input.spec.stop);
  if (!matcher.ok()) {
    GenerationEvent event;
    event.status = std::move(matcher).status();
    sink(std::move(event));
    return std::make_shared<EndedGeneration>();
  }
  auto generation = std::make_shared<GenerationImpl>(context, std::move(input), since, *std::move(matcher), std::move(sink));
  generation->StartAttempt();
  return generation;
}

}  // namespace baleen
