#include "transport/grpc/grpc_connector.h"

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/generic/generic_stub.h>

#include <mutex>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "transport/grpc/channel_cache.h"
#include "transport/grpc/frame_codec.h"
#include "transport/grpc/send_queue.h"
#include "transport/grpc/stream_channel.h"
#include "transport/grpc/stream_registry.h"

namespace baleen {

namespace {

// Keeps itself alive from Start to OnDone.
class ClientStream final : public OwnedStream,
                           public grpc::ClientBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>,
                           public std::enable_shared_from_this<ClientStream> {
 public:
  ClientStream(std::string address, StreamHandlers handlers, StreamBounds bounds, std::shared_ptr<StreamRegistry> registry)
      : address_(std::move(address)), handlers_(std::move(handlers)), queue_(bounds), registry_(std::move(registry)) {}

  void Start(const std::shared_ptr<grpc::Channel>& channel, const std::string& method) {
    self_ = shared_from_this();
    if (!registry_->Add(self_)) return Refuse();
    grpc::GenericStub(channel).PrepareBidiStreamingCall(context_.get(), method, {}, this);
    StartRead(&incoming_);
    AddHold();  // Writes start outside of reactions; removed at the queue's kFinish.
    StartCall();
  }

  absl::Status Send(Message message) override {
    absl::StatusOr<grpc::ByteBuffer> buffer = EncodeFrame(std::move(message));
    if (!buffer.ok()) return buffer.status();
    const absl::StatusOr<SendQueue::Next> next = queue_.Push(*std::move(buffer));
    if (!next.ok()) return absl::Status(next.status().code(), absl::StrCat(address_, ": ", next.status().message()));
    Do(*next);
    return absl::OkStatus();
  }

  void Close() override { Abort(absl::CancelledError("closed by this end")); }

 private:
  void Refuse() {
    if (handlers_.on_closed) handlers_.on_closed(absl::UnavailableError("the connector is shut down"));
    (void)queue_.Break();
    handlers_ = {};
    self_.reset();
  }

  // The hold keeps gRPC's side of the call alive until kFinish, so Close may come from any thread.
  void Abort(absl::Status status) {
    {
      std::lock_guard lock(mu_);
      if (ended_.has_value()) return;
      ended_ = std::move(status);
      context_->TryCancel();
    }
    Do(queue_.Break());
  }

  void Do(SendQueue::Next next) {
    if (next == SendQueue::Next::kWrite) StartWrite(queue_.front());
    if (next == SendQueue::Next::kFinish) RemoveHold();
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
    StartRead(&incoming_);
  }

  void OnWriteDone(bool ok) override { Do(queue_.WriteDone(ok)); }

  void OnDone(const grpc::Status& status) override {
    {
      const absl::Status end = EndOf(status);
      const StreamHandlers handlers = std::move(handlers_);
      handlers_ = {};
      if (handlers.on_closed) handlers.on_closed(end);
    }
    // The context refers to the channel, and gRPC joins its own threads when the last channel goes: it must not go on one of them.
    context_.reset();
    registry_->Remove(this);
    const auto last = std::move(self_);
  }

  absl::Status EndOf(const grpc::Status& status) {
    std::lock_guard lock(mu_);
    if (ended_.has_value()) return *ended_;
    ended_ = absl::UnavailableError(absl::StrCat(address_, ": the peer closed the stream"));
    const bool peer_closed = status.ok() || status.error_code() == grpc::StatusCode::CANCELLED;
    if (!peer_closed) {
      ended_ = absl::Status(static_cast<absl::StatusCode>(status.error_code()), absl::StrCat(address_, ": ", status.error_message()));
    }
    return *ended_;
  }

  const std::string address_;
  StreamHandlers handlers_;
  SendQueue queue_;
  const std::shared_ptr<StreamRegistry> registry_;
  std::unique_ptr<grpc::ClientContext> context_ = std::make_unique<grpc::ClientContext>();  // Until OnDone; ended_ is set by then.
  grpc::ByteBuffer incoming_;
  std::shared_ptr<ClientStream> self_;
  std::mutex mu_;
  std::optional<absl::Status> ended_;
};

}  // namespace

struct GrpcConnector::Impl {
  Impl(StreamBounds given, std::shared_ptr<grpc::ChannelCredentials> credentials) : bounds(given), channels(std::move(credentials)) {}

  std::shared_ptr<grpc::Channel> ChannelFor(const std::string& address, const std::string& method) {
    return channels.Get(absl::StrCat(address, method), [&](const auto& credentials) { return MakeStreamChannel(address, credentials); });
  }

  const StreamBounds bounds;
  const std::shared_ptr<StreamRegistry> registry = std::make_shared<StreamRegistry>();
  ChannelCache channels;
};

GrpcConnector::GrpcConnector(StreamBounds bounds, std::shared_ptr<grpc::ChannelCredentials> credentials)
    : impl_(std::make_unique<Impl>(bounds, std::move(credentials))) {}

GrpcConnector::~GrpcConnector() { impl_->registry->Shutdown(); }

std::shared_ptr<Connection> GrpcConnector::Connect(const std::string& address, const std::string& method, StreamHandlers handlers) {
  const auto stream = std::make_shared<ClientStream>(address, std::move(handlers), impl_->bounds, impl_->registry);
  stream->Start(impl_->ChannelFor(address, method), method);
  return stream;
}

}  // namespace baleen
