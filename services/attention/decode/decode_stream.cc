#include "services/attention/decode/decode_stream.h"

#include <string>
#include <utility>

#include "services/attention/decode/run_status.h"
#include "services/attention/trace/sequence_trace.h"
#include "services/attention/worker/step_loop.h"
#include "services/common/log.h"
#include "services/common/request_id.h"

namespace baleen {
namespace {

v1::FinishReason ToWire(StopReason reason) {
  return reason == StopReason::kStop     ? v1::FINISH_REASON_STOP
         : reason == StopReason::kLength ? v1::FINISH_REASON_LENGTH
                                         : v1::FINISH_REASON_UNSPECIFIED;
}

grpc::Status ToGrpc(const absl::Status& status) {
  return grpc::Status(static_cast<grpc::StatusCode>(status.code()), std::string(status.message()));
}

}  // namespace

DecodeStream* DecodeStream::Start(const ModelLimits* limits, StepLoop* loop, Clock* clock, ResumeTable* resume, SpanExporter* spans) {
  std::shared_ptr<DecodeStream> stream(new DecodeStream(limits, loop, clock, resume, spans));
  stream->self_ = stream;
  stream->StartRead(&stream->command_);
  return stream.get();
}

void DecodeStream::OnReadDone(bool ok) {
  if (ok) return HandleCommand();
  // A client may close its half and go on listening; a broken stream shows in OnCancel too.
  std::unique_lock lock(mu_);
  const bool begun = sequence_.has_value() || end_.has_value();
  lock.unlock();
  if (!begun) FinishWith(absl::InvalidArgumentError("the stream ended before a start command"));
}

void DecodeStream::HandleCommand() {
  switch (command_.command_case()) {
    case v1::DecodeCommand::kStart:
      Begin(command_.start());
      break;
    case v1::DecodeCommand::kCancel:
      if (journal_ != nullptr) journal_->Drop();
      CancelSequence(absl::CancelledError("cancelled by the client"));
      break;
    default:
      CancelSequence(absl::InvalidArgumentError("a command is neither start nor cancel"));
      break;
  }
  command_.Clear();
  StartRead(&command_);
}

void DecodeStream::Begin(const v1::StartSequence& start) {
  {
    const std::lock_guard lock(mu_);
    if (end_.has_value()) return;
  }
  if (sequence_.has_value()) return CancelSequence(absl::InvalidArgumentError("a stream takes one start command"));
  absl::StatusOr<SequenceRequest> request = ConvertStart(start, *limits_, clock_->Now());
  if (!request.ok()) return FinishWith(request.status());
  request->observer = shared_from_this();
  request_ = RequestIdToHex(request->request_id);
  request->trace = JoinTrace(spans_, start.traceparent(), clock_->Now());
  if (resume_ != nullptr && !start.edge().empty()) journal_ = resume_->Open(*request, start.owner(), start.edge());
  {
    const std::lock_guard lock(mu_);
    holding_ = true;
  }
  const absl::StatusOr<SequenceId> id = loop_->Submit(*std::move(request));
  if (id.ok()) return Accept(*id);
  if (journal_ != nullptr) journal_->Drop();
  {
    const std::lock_guard lock(mu_);
    holding_ = false;
  }
  FinishWith(id.status());
}

void DecodeStream::Accept(SequenceId id) {
  Log(LogLevel::kDebug, "sequence_accepted", {{"request", request_}});
  if (journal_ != nullptr) journal_->Started(id);
  absl::Status cancelled;
  {
    const std::lock_guard lock(mu_);
    v1::DecodeEvent accepted;
    accepted.mutable_accepted();
    events_.push_front(std::move(accepted));
    holding_ = false;
    sequence_ = id;
    cancelled = cancelled_;
    WriteNextLocked();
  }
  if (!cancelled.ok()) loop_->Cancel(id, cancelled);
}

void DecodeStream::CancelSequence(const absl::Status& why) {
  std::optional<SequenceId> sequence;
  {
    const std::lock_guard lock(mu_);
    if (cancelled_.ok()) cancelled_ = why;
    sequence = sequence_;
  }
  if (sequence.has_value()) {
    loop_->Cancel(*sequence, why);
  } else {
    FinishWith(why);
  }
}

void DecodeStream::OnCancel() {
  std::optional<SequenceId> sequence;
  {
    const std::lock_guard lock(mu_);
    broken_ = true;
    if (cancelled_.ok()) cancelled_ = absl::CancelledError("the stream broke");
    sequence = sequence_;
  }
  if (sequence.has_value()) loop_->Cancel(*sequence, absl::CancelledError("the stream broke"));
}

bool DecodeStream::Writable() const {
  const std::lock_guard lock(mu_);
  return events_.size() < kMaxBuffered;
}

void DecodeStream::OnAdmitted() {
  v1::DecodeEvent event;
  event.mutable_admitted();
  Emit(std::move(event));
}

void DecodeStream::OnPrefilled(int64_t prompt_tokens, int64_t cached_tokens) {
  v1::DecodeEvent event;
  event.mutable_prefilled()->set_prompt_cache_hit_tokens(static_cast<uint32_t>(cached_tokens));
  event.mutable_prefilled()->set_prompt_cache_miss_tokens(static_cast<uint32_t>(prompt_tokens - cached_tokens));
  Emit(std::move(event));
}

void DecodeStream::OnToken(int64_t index, const SampledToken& token) {
  if (journal_ != nullptr) journal_->AddToken(token.token);
  v1::DecodeEvent event;
  v1::TokenEvent& wire = *event.mutable_token();
  wire.set_index(static_cast<uint32_t>(index));
  wire.set_token(static_cast<uint32_t>(token.token));
  wire.set_logprob(token.logprob);
  for (const auto& [id, logprob] : token.top) {
    v1::TokenLogprob* top = wire.add_top_logprobs();
    top->set_token(static_cast<uint32_t>(id));
    top->set_logprob(logprob);
  }
  Emit(std::move(event));
}

void DecodeStream::OnFinished(const absl::Status& status, StopReason reason) {
  if (journal_ != nullptr) journal_->Keep();
  Log(LogLevel::kDebug, "sequence_ended", {{"request", request_}, {"code", absl::StatusCodeToString(status.code())}});
  if (status.ok()) {
    v1::DecodeEvent event;
    event.mutable_finish()->set_reason(ToWire(reason));
    event.mutable_finish()->set_numerics_id(limits_->numerics_id);
    Emit(std::move(event));
  }
  FinishWith(status);
}

void DecodeStream::Emit(v1::DecodeEvent event) {
  const std::lock_guard lock(mu_);
  if (broken_ || end_.has_value()) return;
  events_.push_back(std::move(event));
  WriteNextLocked();
}

void DecodeStream::FinishWith(const absl::Status& status) {
  const std::lock_guard lock(mu_);
  if (end_.has_value()) return;
  end_ = ToRunStatus(status);
  WriteNextLocked();
}

void DecodeStream::WriteNextLocked() {
  if (writing_ || holding_ || finish_called_) return;
  if (broken_) events_.clear();
  if (!events_.empty()) {
    writing_ = true;
    StartWrite(&events_.front());
  } else if (end_.has_value()) {
    finish_called_ = true;
    Finish(ToGrpc(*end_));
  }
}

void DecodeStream::OnWriteDone(bool ok) {
  bool resumes = false;
  {
    const std::lock_guard lock(mu_);
    writing_ = false;
    if (!ok) broken_ = true;
    resumes = events_.size() == kMaxBuffered;
    events_.pop_front();
    WriteNextLocked();
  }
  if (resumes) loop_->Wake();
}

void DecodeStream::OnDone() {
  // The last reference may be this one; it dies on return.
  const std::shared_ptr<DecodeStream> self = std::move(self_);
}

}  // namespace baleen
