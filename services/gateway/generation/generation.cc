#include "services/gateway/generation/generation.h"

#include <grpcpp/alarm.h>

#include <mutex>
#include <optional>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "services/gateway/generation/decode_stream.h"
#include "services/gateway/generation/output_assembler.h"
#include "services/gateway/generation/worker_picker.h"

namespace baleen {
namespace {

constexpr int kMaxAttempts = 8;
constexpr absl::Duration kRetryDelay = absl::Milliseconds(100);

// Whether another worker may do better.
bool IsWorkerFailure(absl::StatusCode code) {
  return code == absl::StatusCode::kUnavailable || code == absl::StatusCode::kCancelled || code == absl::StatusCode::kUnknown ||
         code == absl::StatusCode::kInternal || code == absl::StatusCode::kAborted || code == absl::StatusCode::kOk;
}

Finish ToFinish(v1::FinishReason reason) {
  switch (reason) {
    case v1::FINISH_REASON_LENGTH:
      return Finish::kLength;
    case v1::FINISH_REASON_CONTENT_FILTER:
      return Finish::kContentFilter;
    case v1::FINISH_REASON_INSUFFICIENT_RESOURCE:
      return Finish::kInsufficientResource;
    default:
      return Finish::kStop;
  }
}

TokenChoice ToChoice(const v1::TokenEvent& event) {
  TokenChoice choice{static_cast<int32_t>(event.token()), event.logprob(), {}};
  for (const v1::TokenLogprob& top : event.top_logprobs()) choice.top.emplace_back(static_cast<int32_t>(top.token()), top.logprob());
  return choice;
}

class GenerationImpl final : public Generation, public std::enable_shared_from_this<GenerationImpl> {
 public:
  GenerationImpl(const GenerationContext& context, GenerationInput input, StopMatcher matcher, GenerationSink sink)
      : context_(context),
        input_(std::move(input)),
        sink_(std::move(sink)),
        assembler_(*context.tokenizer, input_.split_reasoning, input_.opens_thinking, std::move(matcher)) {
    usage_.prompt_tokens = static_cast<int64_t>(input_.prompt.size());
  }

  void StartAttempt();
  void Cancel() override;

 private:
  v1::StartSequence StartMessage(uint32_t attempt) const;
  void OpenStream(const PickedWorker& worker, uint32_t attempt);
  void OnEvent(uint32_t attempt, const v1::DecodeEvent& event);
  void OnToken(const v1::TokenEvent& token);
  void OnFinish(const v1::FinishEvent& finish);
  void OnDone(uint32_t attempt, absl::Status status);
  void RetryLater();
  bool Active(uint32_t attempt);
  // Marks the request as ended and lets its stream go; false when it had ended before.
  bool End(std::shared_ptr<DecodeStream>* stream);
  void Fail(absl::Status status);

  const GenerationContext context_;
  const GenerationInput input_;
  const GenerationSink sink_;

  std::mutex mutex_;  // Guards what Cancel shares with the stream's callbacks.
  bool ended_ = false;
  uint32_t attempt_ = 0;
  std::shared_ptr<DecodeStream> stream_;

  // Touched by one callback at a time: attempts follow each other.
  OutputAssembler assembler_;
  std::vector<uint32_t> journal_;
  std::set<std::string> failed_workers_;
  std::string current_worker_;
  std::string numerics_id_;
  GenerationUsage usage_;
  std::unique_ptr<grpc::Alarm> alarm_;  // One per wait: a callback may not set its own alarm again.
};

v1::StartSequence GenerationImpl::StartMessage(uint32_t attempt) const {
  v1::StartSequence start;
  v1::RequestContext* context = start.mutable_context();
  context->set_request_id(input_.request_id);
  context->set_attempt(attempt);
  context->set_deadline_unix_ms(input_.deadline == absl::InfiniteFuture() ? 0 : absl::ToUnixMillis(input_.deadline));
  context->set_numerics_id(numerics_id_);
  start.mutable_prompt()->Add(input_.prompt.begin(), input_.prompt.end());
  start.mutable_generated()->Add(journal_.begin(), journal_.end());
  v1::SamplingParams* sampling = start.mutable_sampling();
  sampling->set_temperature(static_cast<float>(input_.spec.temperature));
  sampling->set_top_p(static_cast<float>(input_.spec.top_p));
  sampling->set_top_k(static_cast<uint32_t>(input_.spec.top_k));
  sampling->set_seed(*input_.spec.seed);
  sampling->set_logprobs(input_.spec.logprobs);
  v1::StopParams* stop = start.mutable_stop();
  stop->set_max_tokens(static_cast<uint32_t>(*input_.spec.max_tokens));
  stop->set_min_tokens(static_cast<uint32_t>(input_.spec.min_tokens));
  stop->set_ignore_eos(input_.spec.ignore_eos);
  return start;
}

void GenerationImpl::StartAttempt() {
  uint32_t attempt = 0;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (ended_) return;
    attempt = attempt_ + 1;
  }
  if (absl::Now() >= input_.deadline) return Fail(absl::DeadlineExceededError("The request's deadline passed before it was finished."));
  if (attempt > kMaxAttempts) return Fail(absl::UnavailableError("Several workers failed on this request."));
  const std::optional<PickedWorker> worker = context_.picker->Pick(failed_workers_, numerics_id_);
  if (!worker) {
    if (attempt > 1) return RetryLater();
    return Fail(absl::UnavailableError("No decode worker is ready; try again shortly."));
  }
  OpenStream(*worker, attempt);
}

void GenerationImpl::OpenStream(const PickedWorker& worker, uint32_t attempt) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    attempt_ = attempt;
  }
  current_worker_ = worker.worker_id;
  numerics_id_ = worker.numerics_id;
  DecodeCallbacks callbacks;
  callbacks.on_event = [self = shared_from_this(), attempt](const v1::DecodeEvent& event) { self->OnEvent(attempt, event); };
  callbacks.on_done = [self = shared_from_this(), attempt](absl::Status status) { self->OnDone(attempt, std::move(status)); };
  std::shared_ptr<DecodeStream> stream = context_.dialer->Open(worker.address, StartMessage(attempt), std::move(callbacks));
  const std::lock_guard<std::mutex> lock(mutex_);
  if (ended_) {
    stream->Cancel();
  } else if (attempt_ == attempt) {
    stream_ = std::move(stream);
  }
}

void GenerationImpl::Cancel() {
  std::shared_ptr<DecodeStream> stream;
  if (End(&stream) && stream != nullptr) stream->Cancel();
}

bool GenerationImpl::Active(uint32_t attempt) {
  const std::lock_guard<std::mutex> lock(mutex_);
  return !ended_ && attempt == attempt_;
}

bool GenerationImpl::End(std::shared_ptr<DecodeStream>* stream) {
  const std::lock_guard<std::mutex> lock(mutex_);
  *stream = std::exchange(stream_, nullptr);
  return !std::exchange(ended_, true);
}

void GenerationImpl::OnEvent(uint32_t attempt, const v1::DecodeEvent& event) {
  if (!Active(attempt)) return;
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

void GenerationImpl::OnToken(const v1::TokenEvent& token) {
  if (token.index() < journal_.size()) return;  // A worker may repeat what the journal gave it.
  if (token.index() > journal_.size()) return Fail(absl::InternalError("A decode worker left out a token."));
  journal_.push_back(token.token());
  usage_.completion_tokens = static_cast<int64_t>(journal_.size());
  OutputDelta delta = assembler_.Add(static_cast<int32_t>(token.token()));
  usage_.reasoning_tokens = assembler_.reasoning_tokens();
  GenerationEvent event;
  event.reasoning = std::move(delta.reasoning);
  event.text = std::move(delta.text);
  event.tokens.push_back(ToChoice(token));
  event.usage = usage_;
  if (!delta.stopped) return sink_(std::move(event));
  event.finish = Finish::kStop;
  std::shared_ptr<DecodeStream> stream;
  if (!End(&stream)) return;
  sink_(std::move(event));
  if (stream != nullptr) stream->Cancel();
}

void GenerationImpl::OnFinish(const v1::FinishEvent& finish) {
  std::shared_ptr<DecodeStream> stream;
  if (!End(&stream)) return;
  OutputDelta delta = assembler_.Finish();
  GenerationEvent event;
  event.reasoning = std::move(delta.reasoning);
  event.text = std::move(delta.text);
  event.finish = delta.stopped ? Finish::kStop : ToFinish(finish.reason());
  event.usage = usage_;
  sink_(std::move(event));
}

void GenerationImpl::OnDone(uint32_t attempt, absl::Status status) {
  if (!Active(attempt)) return;
  if (!IsWorkerFailure(status.code())) return Fail(std::move(status));
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    stream_ = nullptr;
  }
  failed_workers_.insert(current_worker_);
  RetryLater();
}

void GenerationImpl::RetryLater() {
  alarm_ = std::make_unique<grpc::Alarm>();
  // An alarm keeps its callback after the call, so the reference moves out.
  alarm_->Set(absl::ToChronoTime(absl::Now() + kRetryDelay),
              [self = shared_from_this()](bool) mutable { std::exchange(self, nullptr)->StartAttempt(); });
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
};

}  // namespace

std::shared_ptr<Generation> StartGeneration(const GenerationContext& context, GenerationInput input, GenerationSink sink) {
  absl::StatusOr<StopMatcher> matcher = StopMatcher::Create(input.spec.stop);
  if (!matcher.ok()) {
    GenerationEvent event;
    event.status = std::move(matcher).status();
    sink(std::move(event));
    return std::make_shared<EndedGeneration>();
  }
  auto generation = std::make_shared<GenerationImpl>(context, std::move(input), *std::move(matcher), std::move(sink));
  generation->StartAttempt();
  return generation;
}

}  // namespace baleen
