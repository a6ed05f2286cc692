#include "transport/grpc/grpc_stream_server.h"

#include <grpcpp/server_context.h>

#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "transport/grpc/frame_codec.h"
#include "transport/grpc/send_queue.h"
#include "transport/grpc/stream_registry.h"

namespace baleen {

namespace {

using Reactor = grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>;

class RefusedStream final : public Reactor {
 public:
  RefusedStream() { Finish(grpc::Status(grpc::StatusCode::UNAVAILABLE, "shutting down")); }

 private:
  void OnDone() override { delete this; }
};

// Keeps itself alive from Start to OnDone.
class ServerStream final : public OwnedStream, public Reactor, public std::enable_shared_from_this<ServerStream> {
 public:
  ServerStream(grpc::CallbackServerContext* context, StreamBounds bounds, std::shared_ptr<StreamRegistry> registry)
      : context_(context), queue_(bounds), registry_(std::move(registry)) {}

  bool Start(const AcceptFunction& accept) {
    if (!registry_->Add(shared_from_this())) return false;
    self_ = shared_from_this();
    handlers_ = accept(self_);
    StartRead(&incoming_);
    return true;
  }

  absl::Status Send(Message message) override {
    absl::StatusOr<grpc::ByteBuffer> buffer = EncodeFrame(std::move(message));
    if (!buffer.ok()) return buffer.status();
    const absl::StatusOr<SendQueue::Next> next = queue_.Push(*std::move(buffer));
    if (!next.ok()) return next.status();
    Do(*next);
    return absl::OkStatus();
  }

  void Close() override { Abort(ClosedHere()); }

  void CloseWhenSent() override {
    {
      std::lock_guard lock(mu_);
      if (ended_.has_value()) return;
      ended_ = ClosedHere();
      sending_ = true;
    }
    Do(queue_.Finish());
  }

 private:
  static absl::Status ClosedHere() { return absl::CancelledError("closed by this end"); }

  void Abort(absl::Status status) {
    {
      std::lock_guard lock(mu_);
      if (ended_.has_value() && !std::exchange(sending_, false)) return;
      if (!ended_.has_value()) ended_ = std::move(status);
    }
    Do(queue_.Break());
    // A write may be in flight to a peer that does not read; only cancelling ends it. The context is gone after Finish.
    std::lock_guard lock(mu_);
    if (!finished_) context_->TryCancel();
  }

  void Do(SendQueue::Next next) {
    if (next == SendQueue::Next::kWrite) StartWrite(queue_.front());
    if (next != SendQueue::Next::kFinish) return;
    absl::Status end;
    {
      std::lock_guard lock(mu_);
      finished_ = true;
      end = EndLocked();
    }
    // What this end did on purpose is an absence to the peer.
    const bool closed = end.code() == absl::StatusCode::kCancelled;
    Finish(grpc::Status(closed ? grpc::StatusCode::UNAVAILABLE : static_cast<grpc::StatusCode>(end.code()),
                        closed ? "the peer closed the stream" : std::string(end.message())));
  }

  absl::Status EndLocked() {
    if (!ended_.has_value()) ended_ = absl::UnavailableError("the peer closed the stream");
    return *ended_;
  }

  bool aborted() {
    std::lock_guard lock(mu_);
    return ended_.has_value();
  }

  void OnReadDone(bool ok) override {
    if (!ok) return Do(queue_.Break());
    absl::StatusOr<Message> message = DecodeFrame(incoming_);
    incoming_.Clear();
    if (!message.ok()) {
      Abort(message.status());
    } else if (!aborted() && handlers_.on_message) {
      handlers_.on_message(*std::move(message));
    }
    // After Finish nothing more is to be read; until then the read tells when the peer leaves.
    if (!aborted()) StartRead(&incoming_);
  }

  void OnWriteDone(bool ok) override { Do(queue_.WriteDone(ok)); }

  void OnDone() override {
    absl::Status end;
    {
      std::lock_guard lock(mu_);
      end = EndLocked();
    }
    {
      const StreamHandlers handlers = std::move(handlers_);
      handlers_ = {};
      if (handlers.on_closed) handlers.on_closed(end);
    }
    registry_->Remove(this);
    const auto last = std::move(self_);
  }

  grpc::CallbackServerContext* const context_;
  SendQueue queue_;
  const std::shared_ptr<StreamRegistry> registry_;
  StreamHandlers handlers_;
  grpc::ByteBuffer incoming_;
  std::shared_ptr<ServerStream> self_;
  std::mutex mu_;
  std::optional<absl::Status> ended_;
  bool sending_ = false;  // Ended, but for what is queued.
  bool finished_ = false;
};

}  // namespace

struct GrpcStreamServer::Impl {
  AcceptFunction accept;
  StreamBounds bounds;
  const std::shared_ptr<StreamRegistry> registry = std::make_shared<StreamRegistry>();
};

GrpcStreamServer::GrpcStreamServer(AcceptFunction accept, StreamBounds bounds) : impl_(std::make_unique<Impl>()) {
  impl_->accept = std::move(accept);
  impl_->bounds = bounds;
}

GrpcStreamServer::~GrpcStreamServer() { Shutdown(); }

grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* GrpcStreamServer::Accept(grpc::CallbackServerContext* context) {
  const auto stream = std::make_shared<ServerStream>(context, impl_->bounds, impl_->registry);
  if (!stream->Start(impl_->accept)) return new RefusedStream;
  return stream.get();
}

void GrpcStreamServer::Shutdown() { impl_->registry->Shutdown(kSendTime); }

}  // namespace baleen
