#include "tests/simulation/attention_sessions.h"

#include <algorithm>
#include <utility>

#include "services/attention/decode/run_status.h"

namespace baleen {
namespace {

v1::FinishReason ToWire(StopReason reason) {
  return reason == StopReason::kStop     ? v1::FINISH_REASON_STOP
         : reason == StopReason::kLength ? v1::FINISH_REASON_LENGTH
                                         : v1::FINISH_REASON_UNSPECIFIED;
}

class PipeConnection final : public Connection {
 public:
  explicit PipeConnection(std::shared_ptr<Pipe> pipe) : pipe_(std::move(pipe)) {}
  absl::Status Send(Message message) override { return pipe_->Send(std::move(message)); }
  void Close() override { pipe_->Close(absl::UnavailableError("the peer closed the stream")); }

 private:
  const std::shared_ptr<Pipe> pipe_;
};

PipeHandlers ToPipe(StreamHandlers handlers) {
  return {
      .on_packet = [on_message = std::move(handlers.on_message)](const Packet& packet) { on_message(*std::any_cast<Message>(&packet)); },
      .on_closed = std::move(handlers.on_closed)};
}

}  // namespace

void AttentionNode::DecodeSession::OnPacket(const Packet& packet) {
  if (const auto* start = std::any_cast<v1::StartSequence>(&packet)) return Begin(*start);
  if (journal_ != nullptr) journal_->Drop();
  if (sequence_.has_value()) node_->Cancel(*sequence_, absl::CancelledError("cancelled by the client"));
}

void AttentionNode::DecodeSession::OnClosed() {
  if (sequence_.has_value()) node_->Cancel(*sequence_, absl::CancelledError("the stream broke"));
}

void AttentionNode::DecodeSession::Begin(const v1::StartSequence& start) {
  absl::StatusOr<SequenceRequest> request = ConvertStart(start, node_->limits_, node_->world_->loop.Now());
  if (!request.ok()) return pipe_->Close(request.status());
  request->observer = shared_from_this();
  if (!start.edge().empty()) journal_ = node_->resume_.Open(*request, start.owner(), start.edge());
  const absl::StatusOr<SequenceId> id = node_->Submit(*std::move(request));
  if (!id.ok()) {
    if (journal_ != nullptr) journal_->Drop();
    return pipe_->Close(ToRunStatus(id.status()));
  }
  sequence_ = *id;
  if (journal_ != nullptr) journal_->Started(*id);
  v1::DecodeEvent accepted;
  accepted.mutable_accepted();
  (void)pipe_->Send(accepted);
}

void AttentionNode::DecodeSession::OnAdmitted() {
  v1::DecodeEvent event;
  event.mutable_admitted();
  (void)pipe_->Send(event);
}

void AttentionNode::DecodeSession::OnPrefilled(int64_t prompt_tokens, int64_t cached_tokens) {
  v1::DecodeEvent event;
  event.mutable_prefilled()->set_prompt_cache_hit_tokens(static_cast<uint32_t>(cached_tokens));
  (void)pipe_->Send(event);
}

void AttentionNode::DecodeSession::OnToken(int64_t index, const SampledToken& token) {
  if (journal_ != nullptr) journal_->AddToken(token.token);
  v1::DecodeEvent event;
  event.mutable_token()->set_index(static_cast<uint32_t>(index));
  event.mutable_token()->set_token(static_cast<uint32_t>(token.token));
  (void)pipe_->Send(event);
}

void AttentionNode::DecodeSession::OnFinished(const absl::Status& status, StopReason reason) {
  if (std::exchange(over_, true)) node_->world_->Broken("a sequence ended twice");
  if (journal_ != nullptr) journal_->Keep();
  if (status.ok()) {
    v1::DecodeEvent event;
    event.mutable_finish()->set_reason(ToWire(reason));
    (void)pipe_->Send(event);
  }
  pipe_->Close(ToRunStatus(status));
}

void AttentionNode::FillSession::Begin(const v1::FillRequest& request) {
  absl::StatusOr<SequenceRequest> fill = ConvertFill(request, node_->limits_, node_->world_->loop.Now());
  if (!fill.ok()) return Reply(fill.status());
  first_ = request.first_token();
  fill->observer = shared_from_this();
  push_ = node_->sender_->Open(request.kv_address(), request.context(), request.reservation(),
                               // The pipe's handlers keep this until its end; a process that dies has no other.
                               [weak = weak_from_this()](const absl::Status& status) {
                                 if (const auto self = weak.lock()) self->OnPushOver(status);
                               });
  const absl::StatusOr<SequenceId> id = node_->Submit(*std::move(fill));
  if (!id.ok()) {
    Reply(id.status());
    return push_->Cancel();
  }
  sequence_ = *id;
  if (!stopped_.ok()) node_->Cancel(*id, stopped_);
}

void AttentionNode::FillSession::OnClosed() {
  const absl::Status why = absl::CancelledError("the decode worker cancelled the fill");
  stopped_ = why;
  if (sequence_.has_value()) node_->Cancel(*sequence_, why);
  Reply(why);
  if (push_ != nullptr) push_->Cancel();
}

void AttentionNode::FillSession::OnLayer(absl::Span<const BlockId> blocks, int layer, int64_t first, int64_t count) {
  const int64_t skipped = std::clamp<int64_t>(first_ - first, 0, count);
  if (count > skipped) push_->Enqueue(blocks, layer, first + skipped, count - skipped);
}

void AttentionNode::FillSession::OnFinished(const absl::Status& status, StopReason) {
  if (status.ok()) return push_->Finish();
  Reply(status);
  push_->Cancel();
}

void AttentionNode::FillSession::OnPushOver(const absl::Status& status) {
  if (!status.ok()) {
    stopped_ = status;
    if (sequence_.has_value()) node_->Cancel(*sequence_, status);
  }
  Reply(status);
}

void AttentionNode::FillSession::Reply(const absl::Status& status) {
  if (std::exchange(replied_, true)) return;
  (void)pipe_->Send(status);
  pipe_->Close(absl::OkStatus());
}

std::shared_ptr<Connection> AttentionNode::PipeConnector::Connect(const std::string& address, const std::string& method,
                                                                  StreamHandlers handlers) {
  return std::make_shared<PipeConnection>(world_->network.Open(host_, address, method, ToPipe(std::move(handlers))));
}

void AttentionNode::PipeConnector::Listen(const std::string& method, AcceptFunction accept) {
  world_->network.Listen(host_, method, [accept = std::move(accept)](std::shared_ptr<Pipe> pipe) {
    return ToPipe(accept(std::make_shared<PipeConnection>(std::move(pipe))));
  });
}

std::function<void()> AttentionNode::PipeFillClient::Fill(const std::string& address, const v1::FillRequest& request, absl::Time deadline,
                                                          std::function<void(absl::Status)> done) {
  const auto once = std::make_shared<std::function<void(absl::Status)>>(std::move(done));
  const auto finish = [once](absl::Status status) {
    if (const auto call = std::exchange(*once, nullptr)) call(std::move(status));
  };
  auto pipe = world_->network.Open(
      host_, address, kFillService,
      {.on_packet = [finish](const Packet& packet) { finish(*std::any_cast<absl::Status>(&packet)); },
       .on_closed =
           [finish](const absl::Status& why) { finish(why.ok() ? absl::UnavailableError("the call ended without a reply") : why); }});
  (void)pipe->Send(request);
  return [finish, pipe] {
    finish(absl::CancelledError("cancelled"));
    pipe->Close(absl::CancelledError("cancelled"));
  };
}

}  // namespace baleen
