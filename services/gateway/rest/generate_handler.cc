#include "services/gateway/rest/generate_handler.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "services/gateway/api/api_error.h"

namespace baleen {
namespace {

// Both writers get the events of one request, one at a time.
class WholeWriter {
 public:
  WholeWriter(AnswerHead head, std::shared_ptr<HttpResponder> responder) : head_(std::move(head)), responder_(std::move(responder)) {}

  void OnEvent(GenerationEvent event) {
    const HttpHeaders headers = {{"x-request-id", head_.request_id}};
    if (!event.status.ok()) return RespondError(event.status, headers, *responder_);
    const bool last = event.last();
    answer_.Add(std::move(event));
    if (!last) return;
    responder_->Respond(200, {{"content-type", "application/json"}, {"x-request-id", head_.request_id}}, WholeBody(head_, answer_));
  }

 private:
  const AnswerHead head_;
  std::shared_ptr<HttpResponder> responder_;
  GatheredAnswer answer_;
};

class StreamWriter {
 public:
  StreamWriter(AnswerHead head, StreamSpec spec, int64_t after_event, std::shared_ptr<HttpResponder> responder)
      : head_(std::move(head)), spec_(spec), after_event_(after_event), responder_(std::move(responder)) {}

  void OnEvent(const GenerationEvent& event) {
    if (!event.status.ok()) return OnError(event.status);
    const bool first = !std::exchange(begun_, true);
    if (first) Begin();
    if (const std::string body = ChunkBody(head_, event, first); !body.empty()) WriteEvent(body);
    if (!event.last()) return;
    if (spec_.include_usage) WriteEvent(UsageChunkBody(head_, event.usage));
    WriteEvent("[DONE]");
    responder_->EndStream();
  }

 private:
  void Begin() {
    responder_->BeginStream({{"content-type", "text/event-stream"}, {"cache-control", "no-cache"}, {"x-request-id", head_.request_id}});
  }

  void OnError(const absl::Status& status) {
    if (!begun_) return RespondError(status, {{"x-request-id", head_.request_id}}, *responder_);
    WriteEvent(ToApiError(status).body);
    responder_->EndStream();
  }

  void WriteEvent(const std::string& data) {
    const int64_t id = next_id_++;
    if (id > after_event_) responder_->Write(absl::StrCat("id: ", id, "\ndata: ", data, "\n\n"));
  }

  const AnswerHead head_;
  const StreamSpec spec_;
  const int64_t after_event_;
  std::shared_ptr<HttpResponder> responder_;
  bool begun_ = false;
  int64_t next_id_ = 0;
};

}  // namespace

void RespondError(const absl::Status& status, const HttpHeaders& headers, HttpResponder& responder) {
  ApiError error = ToApiError(status);
  HttpHeaders all = headers;
  all.emplace_back("content-type", "application/json");
  if (error.retry_after_s > 0) all.emplace_back("retry-after", absl::StrCat(error.retry_after_s));
  responder.Respond(error.http_status, std::move(all), std::move(error.body));
}

void RunGeneration(const GenerationContext& context, GatewayProbe& probe, AnswerHead head, const StreamSpec& stream,
                   const Delivery& delivery, GenerationInput input, std::shared_ptr<HttpResponder> responder) {
  const Operation operation = head.kind == AnswerKind::kChat ? Operation::kChat : Operation::kTextCompletion;
  GenerationSink sink;
  if (stream.stream) {
    auto writer = std::make_shared<StreamWriter>(std::move(head), stream, delivery.after_event, responder);
    sink = [writer](GenerationEvent event) { writer->OnEvent(event); };
  } else {
    auto writer = std::make_shared<WholeWriter>(std::move(head), responder);
    sink = [writer](GenerationEvent event) { writer->OnEvent(std::move(event)); };
  }
  std::shared_ptr<Generation> generation = StartGeneration(context, std::move(input), probe.Measure(std::move(sink), operation));
  responder->OnBackpressure([generation](bool slow) { generation->Pause(slow); });
  responder->OnDisconnect([generation, &probe, resumable = delivery.resumable] {
    probe.Disconnected();
    resumable ? generation->Detach() : generation->Cancel();
  });
}

}  // namespace baleen
