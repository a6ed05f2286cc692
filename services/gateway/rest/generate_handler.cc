#include "services/gateway/rest/generate_handler.h"

#include <mutex>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "services/gateway/api/api_error.h"
#include "services/gateway/generation/choices.h"

namespace baleen {
namespace {

// A client may wait this long for a first token; proxies between give up on silence.
constexpr absl::Duration kKeepAliveInterval = absl::Seconds(10);
// Who has heard nothing from a resumable stream for two of these and a little more may take its gateway for stopped.
constexpr absl::Duration kResumableKeepAliveInterval = absl::Milliseconds(250);

// A guard's own end of a choice has none.
void NoteNumerics(const GenerationEvent& event, AnswerHead* head) {
  if (!event.numerics_id.empty()) head->numerics_id = event.numerics_id;
}

// Both writers get the events of one request, one at a time.
class WholeWriter {
 public:
  WholeWriter(AnswerHead head, size_t choices, std::shared_ptr<HttpResponder> responder)
      : head_(std::move(head)), responder_(std::move(responder)), answers_(choices) {}

  void OnEvent(GenerationEvent event) {
    const HttpHeaders headers = {{"x-request-id", head_.request_id}};
    if (!event.status.ok()) return RespondError(event.status, headers, *responder_);
    NoteNumerics(event, &head_);
    const bool last = event.ends_request();
    const GenerationUsage usage = event.usage;
    answers_[event.choice].Add(std::move(event));
    if (!last) return;
    responder_->Respond(200, {{"content-type", "application/json"}, {"x-request-id", head_.request_id}}, WholeBody(head_, answers_, usage));
  }

 private:
  AnswerHead head_;
  std::shared_ptr<HttpResponder> responder_;
  std::vector<GatheredAnswer> answers_;
};

// Thread-safe: keep-alives come from the server's thread.
class StreamWriter {
 public:
  StreamWriter(AnswerHead head, StreamSpec spec, bool resumable, size_t choices, EventCursor events, std::weak_ptr<Charge> charge,
               std::shared_ptr<HttpResponder> responder)
      : spec_(spec),
        resumable_(resumable),
        responder_(std::move(responder)),
        head_(std::move(head)),
        states_(choices),
        events_(std::move(events)),
        charge_(std::move(charge)) {}

  void OnEvent(const GenerationEvent& event) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (!event.status.ok()) return OnError(event.status);
    NoteNumerics(event, &head_);
    if (!events_.begun()) BeginAnswer();
    if (!std::exchange(introduced_, true)) Introduce();
    if (const std::string body = ChunkBody(head_, event, &states_[event.choice]); !body.empty()) {
      if (!WriteEvent(event.choice, body)) NoteHad(event);
    }
    if (!event.ends_request()) return;
    if (spec_.include_usage) WriteEvent(kRequest, UsageChunkBody(head_, event.usage));
    WriteEvent(kRequest, "[DONE]");
    if (const absl::Status had = events_.CheckEnd(); !had.ok()) return OnError(had);
    BeginAnswer();
    EndStream();
  }

  absl::Duration keep_alive_interval() const { return resumable_ ? kResumableKeepAliveInterval : kKeepAliveInterval; }

  // Writes a comment where nothing was written since the last call: while the request waits for its first event, and to the end of a
  // resumable stream that its client reads. To be called at each interval; false when no more are wanted.
  bool KeepAlive() {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (ended_ || (answered_ && !resumable_)) return false;
    // Once a stream has begun errors come within it: that soon no comment begins one.
    if (!begun_ && (waited_ += keep_alive_interval()) < kKeepAliveInterval) return true;
    Begin();
    if (std::exchange(silent_, true) && !slow_) responder_->Write(": keep-alive\n\n");
    return true;
  }

  void OnBackpressure(bool slow) {
    const std::lock_guard<std::mutex> lock(mutex_);
    slow_ = slow;
  }

 private:
  static constexpr uint32_t kRequest = 0;  // The choice that events of the whole request count with.

  // A client that goes on waits for what it has not had: till then it may turn out that there is nothing such.
  void BeginAnswer() {
    answered_ = true;
    Begin();
  }

  void Begin() {
    if (std::exchange(begun_, true)) return;
    responder_->BeginStream({{"content-type", "text/event-stream"}, {"cache-control", "no-cache"}, {"x-request-id", head_.request_id}});
  }

  // Choices come in any order, and OpenAI's clients take each to be the next that they have not seen: so each begins with a chunk of its
  // own. It is no event that a client goes on after, since those count tokens.
  void Introduce() {
    if (head_.kind != AnswerKind::kChat || states_.size() == 1) return;
    GenerationEvent nothing;
    for (; nothing.choice < states_.size(); ++nothing.choice) {
      const std::string chunk = ChunkBody(head_, nothing, &states_[nothing.choice]);
      if (!events_.begun()) Write(absl::StrCat("data: ", chunk, "\n\n"));
    }
  }

  void OnError(const absl::Status& status) {
    if (!begun_) {
      ended_ = true;
      return RespondError(status, {{"x-request-id", head_.request_id}}, *responder_);
    }
    // No event of the answer: without an id, since the client may go on after the last one that was.
    Write(absl::StrCat("data: ", ToApiError(status).body, "\n\n"));
    EndStream();
  }

  void EndStream() {
    ended_ = true;
    responder_->EndStream();
  }

  // False when the client has had it.
  bool WriteEvent(uint32_t choice, const std::string& data) {
    const std::string id = events_.Next(choice);
    if (id.empty()) return false;
    BeginAnswer();
    Write(absl::StrCat("id: ", id, "\ndata: ", data, "\n\n"));
    return true;
  }

  void NoteHad(const GenerationEvent& event) {
    if (const std::shared_ptr<Charge> charge = charge_.lock()) charge->Had(event);
  }

  void Write(std::string event) {
    silent_ = false;
    responder_->Write(std::move(event));
  }

  const StreamSpec spec_;
  const bool resumable_;
  std::shared_ptr<HttpResponder> responder_;
  std::mutex mutex_;
  AnswerHead head_;
  std::vector<ChunkState> states_;
  EventCursor events_;
  const std::weak_ptr<Charge> charge_;  // Held by who meters, until the answer is over or its client leaves.
  bool begun_ = false;
  bool introduced_ = false;
  bool answered_ = false;
  bool ended_ = false;
  bool silent_ = true;  // Nothing but comments since the last KeepAlive.
  bool slow_ = false;   // The client is behind.
  absl::Duration waited_;
};

}  // namespace

void RespondError(const absl::Status& status, const HttpHeaders& headers, HttpResponder& responder) {
  ApiError error = ToApiError(status);
  HttpHeaders all = headers;
  all.emplace_back("content-type", "application/json");
  if (error.http_status == 401) all.emplace_back("www-authenticate", "Bearer");
  if (error.retry_after_s > 0) all.emplace_back("retry-after", absl::StrCat(error.retry_after_s));
  responder.Respond(error.http_status, std::move(all), std::move(error.body));
}

void RunGeneration(const GenerationContext& context, GatewayProbe& probe, GenerateJob job, std::shared_ptr<HttpResponder> responder) {
  const Operation operation = job.head.kind == AnswerKind::kChat ? Operation::kChat : Operation::kTextCompletion;
  const RequestOrigin origin = probe.Begin(operation, job.input);
  job.input.trace = origin.trace;
  GenerationSink sink;
  std::function<void(bool)> on_slow = [](bool) {};
  const size_t choices = static_cast<size_t>(job.input.spec.choices);
  if (job.stream.stream) {
    auto writer = std::make_shared<StreamWriter>(std::move(job.head), job.stream, job.resumable, choices, std::move(job.events), job.charge,
                                                 responder);
    sink = [writer](GenerationEvent event) { writer->OnEvent(event); };
    responder->Every(writer->keep_alive_interval(), [waiting = std::weak_ptr<StreamWriter>(writer)] {
      const std::shared_ptr<StreamWriter> still = waiting.lock();
      return still != nullptr && still->KeepAlive();
    });
    on_slow = [writer](bool slow) { writer->OnBackpressure(slow); };
  } else {
    auto writer = std::make_shared<WholeWriter>(std::move(job.head), choices, responder);
    sink = [writer](GenerationEvent event) { writer->OnEvent(std::move(event)); };
  }
  if (job.answer != nullptr) sink = job.answer->Wrap(std::move(sink));
  const auto measure = [&probe, origin, charge = std::move(job.charge)](GenerationSink one) {
    return probe.Measure(charge->Meter(std::move(one)), origin);
  };
  std::shared_ptr<Generation> generation = StartChoices(context, job.input, measure, std::move(sink));
  responder->OnBackpressure([generation, on_slow = std::move(on_slow)](bool slow) {
    on_slow(slow);
    generation->Pause(slow);
  });
  responder->OnDisconnect([generation, &probe, answer = std::move(job.answer), resumable = job.resumable] {
    probe.Disconnected();
    resumable ? generation->Detach() : generation->Cancel();
    if (answer != nullptr) answer->Left();
  });
}

}  // namespace baleen
