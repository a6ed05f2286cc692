#include "transport/ucx/ucx_connector.h"

#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/clock.h"
#include "base/status_macros.h"
#include "transport/grpc/channel_cache.h"
#include "transport/grpc/stream_channel.h"
#include "transport/grpc/stream_registry.h"
#include "transport/message_size.h"
#include "transport/ucx/ucx_control_call.h"
#include "transport/ucx/ucx_end.h"
#include "transport/ucx/ucx_session.h"

namespace baleen {

namespace {

// Addresses change when workers restart; beyond this many, what is over is dropped.
constexpr size_t kMaxAddresses = 256;

// A reason why this pair of ends cannot use UCX, as opposed to a peer that is not there.
bool MeansFallback(const absl::Status& status) {
  return status.code() == absl::StatusCode::kFailedPrecondition || status.code() == absl::StatusCode::kDeadlineExceeded;
}

absl::Status EndOf(const grpc::Status& status, const std::string& address) {
  switch (status.error_code()) {
    case grpc::StatusCode::OK:
    case grpc::StatusCode::CANCELLED:
      return absl::UnavailableError(absl::StrCat(address, ": the peer closed the stream"));
    case grpc::StatusCode::UNIMPLEMENTED:
      return absl::FailedPreconditionError("the peer has no UCX");
    default:
      return absl::Status(static_cast<absl::StatusCode>(status.error_code()), absl::StrCat(address, ": ", status.error_message()));
  }
}

// Up to the first that `to` does not take: one that is left out would be a gap in the stream.
absl::Status HandOver(std::deque<Message> messages, Connection* to) {
  for (Message& message : messages) RETURN_IF_ERROR(to->Send(std::move(message)));
  return absl::OkStatus();
}

// Shared with the streams.
struct Shared {
  UcxWorker* worker = nullptr;
  Connector* fallback = nullptr;
  UcxConnectorOptions options;
  StreamRegistry registry;

  std::mutex mu;
  std::map<std::string, absl::Time> fallback_until;

  bool FallsBack(const std::string& address) {
    std::lock_guard lock(mu);
    const auto found = fallback_until.find(address);
    return found != fallback_until.end() && Clock::Real()->Now() < found->second;
  }
  void RememberFallback(const std::string& address, const absl::Status& reason) {
    {
      std::lock_guard lock(mu);
      const absl::Time now = Clock::Real()->Now();
      if (fallback_until.size() >= kMaxAddresses) {
        std::erase_if(fallback_until, [now](const auto& entry) { return entry.second <= now; });
      }
      fallback_until[address] = now + options.retry_after;
    }
    if (options.on_fallback) options.on_fallback(address, reason);
  }
};

// Keeps itself alive from Start to on_closed.
class ClientStream final : public OwnedStream, public std::enable_shared_from_this<ClientStream> {
 public:
  ClientStream(std::string address, std::string method, StreamHandlers handlers, std::shared_ptr<Shared> shared)
      : address_(std::move(address)),
        method_(std::move(method)),
        handlers_(std::move(handlers)),
        shared_(std::move(shared)),
        session_(std::make_shared<UcxSession>(shared_->worker, UcxSession::Side::kConnects, shared_->options.bounds)) {}

  void Start(const std::shared_ptr<grpc::Channel>& channel);
  absl::Status Send(Message message) override;
  void Close() override;

 private:
  struct SessionEnd {
    absl::Status reason;
    bool opened;
  };

  void Refuse();
  void OnAccepted(const v1::UcxAcceptance& acceptance);
  void OnControlDone(const grpc::Status& status);
  void OnSessionEnded(absl::Status reason, bool opened);
  void FinishIfOver(std::unique_lock<std::mutex> lock);
  absl::Status WaitLocked(Message message);
  void FallBack(const absl::Status& reason);
  absl::Status EndOfFallback(absl::Status end);
  void CloseHandlers(const absl::Status& reason);

  const std::string address_;
  const std::string method_;
  StreamHandlers handlers_;
  const std::shared_ptr<Shared> shared_;
  const std::shared_ptr<UcxSession> session_;
  std::shared_ptr<UcxControlCall> control_;

  std::mutex mu_;
  std::shared_ptr<ClientStream> self_;
  bool closed_ = false;  // By this end.
  bool control_done_ = false;
  std::optional<SessionEnd> session_end_;
  bool falling_back_ = false;
  std::deque<Message> waiting_;  // While falling back.
  size_t waiting_bytes_ = 0;
  absl::Status not_handed_over_;  // Why this end closed the fallback's stream.
  std::shared_ptr<Connection> inner_;
};

void ClientStream::Start(const std::shared_ptr<grpc::Channel>& channel) {
  self_ = shared_from_this();
  if (!shared_->registry.Add(self_)) return Refuse();
  auto on_message = [self = self_](Message message) {
    if (self->handlers_.on_message) self->handlers_.on_message(std::move(message));
  };
  auto on_ended = [self = self_](absl::Status reason, bool opened) { self->OnSessionEnded(std::move(reason), opened); };
  // Before the session, whose end cancels it: a session that gets no port ends at once, on the worker's thread.
  control_ = std::make_shared<UcxControlCall>(
      UcxControlEvents{.on_accepted = [self = self_](const auto& acceptance) { self->OnAccepted(acceptance); },
                       .on_done = [self = self_](const grpc::Status& status) { self->OnControlDone(status); }});
  v1::UcxOffer offer;
  offer.set_method(method_);
  *offer.mutable_end() =
      ToWire(session_->Start({.on_open = nullptr, .on_message = on_message, .on_ended = on_ended}), shared_->worker->place());
  control_->Start(channel, std::move(offer));
}

// Of a stream whose session has not started.
void ClientStream::Refuse() {
  const absl::Status reason = absl::UnavailableError("the connector is shut down");
  session_->End(reason);
  (void)session_->TakeUnsent();
  CloseHandlers(reason);
}

absl::Status ClientStream::Send(Message message) {
  std::unique_lock lock(mu_);
  if (inner_ != nullptr) {
    const std::shared_ptr<Connection> inner = inner_;
    lock.unlock();
    return inner->Send(std::move(message));
  }
  if (falling_back_ && !closed_) return WaitLocked(std::move(message));
  // With the lock, so that what the session takes is known to FallBack.
  const absl::Status sent = session_->Send(std::move(message));
  return sent.ok() ? sent : absl::Status(sent.code(), absl::StrCat(address_, ": ", sent.message()));
}

absl::Status ClientStream::WaitLocked(Message message) {
  RETURN_IF_ERROR(CheckSize(message));
  const size_t size = SizeOf(message);
  const StreamBounds& bounds = shared_->options.bounds;
  if (waiting_.size() >= bounds.messages || waiting_bytes_ + size > bounds.bytes) {
    return absl::ResourceExhaustedError(
        absl::StrCat(address_, ": ", waiting_.size(), " messages of ", waiting_bytes_, " bytes are queued"));
  }
  waiting_bytes_ += size;
  waiting_.push_back(std::move(message));
  return absl::OkStatus();
}

void ClientStream::Close() {
  std::shared_ptr<Connection> inner;
  {
    std::lock_guard lock(mu_);
    closed_ = true;
    inner = inner_;
  }
  if (inner != nullptr) return inner->Close();
  session_->End(absl::CancelledError("closed by this end"));
}

void ClientStream::OnAccepted(const v1::UcxAcceptance& acceptance) {
  const absl::StatusOr<UcxCoordinates> peer = FromWire(acceptance.end(), shared_->worker->place());
  if (!peer.ok()) return session_->End(peer.status());
  session_->Attach(*peer, Clock::Real()->Now() + shared_->options.hello_timeout);
}

void ClientStream::OnControlDone(const grpc::Status& status) {
  session_->EndWithPeer(EndOf(status, address_));
  std::unique_lock lock(mu_);
  control_done_ = true;
  FinishIfOver(std::move(lock));
}

void ClientStream::OnSessionEnded(absl::Status reason, bool opened) {
  control_->Cancel();
  std::unique_lock lock(mu_);
  session_end_ = {std::move(reason), opened};
  FinishIfOver(std::move(lock));
}

// The second of the two ends, on its thread. With the lock under which the end was noted, so that there is one second.
void ClientStream::FinishIfOver(std::unique_lock<std::mutex> lock) {
  if (!control_done_ || !session_end_.has_value()) return;
  const SessionEnd end = *session_end_;
  falling_back_ = !end.opened && !closed_ && MeansFallback(end.reason);
  const bool falls_back = falling_back_;
  lock.unlock();
  if (falls_back) return FallBack(end.reason);
  (void)session_->TakeUnsent();
  CloseHandlers(end.reason);
}

void ClientStream::FallBack(const absl::Status& reason) {
  shared_->RememberFallback(address_, reason);
  const std::shared_ptr<StreamHandlers> handlers = std::make_shared<StreamHandlers>(std::move(handlers_));
  handlers_ = {};
  const std::shared_ptr<Connection> inner = shared_->fallback->Connect(
      address_, method_, {.on_message = handlers->on_message, .on_closed = [self = shared_from_this(), handlers](absl::Status end) {
                            {
                              const StreamHandlers last = std::move(*handlers);
                              *handlers = {};
                              self->handlers_ = {};
                              if (last.on_closed) last.on_closed(self->EndOfFallback(std::move(end)));
                            }
                            self->CloseHandlers(absl::OkStatus());
                          }});
  absl::Status handed_over = HandOver(session_->TakeUnsent(), inner.get());
  std::unique_lock lock(mu_);
  while (!waiting_.empty()) {
    std::deque<Message> batch = std::exchange(waiting_, {});
    waiting_bytes_ = 0;
    lock.unlock();
    if (handed_over.ok()) handed_over = HandOver(std::move(batch), inner.get());
    lock.lock();
  }
  falling_back_ = false;
  inner_ = inner;
  const bool closed = closed_ || !handed_over.ok();
  if (!handed_over.ok()) not_handed_over_ = absl::UnavailableError(absl::StrCat(address_, ": ", handed_over.message()));
  lock.unlock();
  if (closed) inner->Close();
}

// What this end closed because the fallback did not take a message is no wish of its user's.
absl::Status ClientStream::EndOfFallback(absl::Status end) {
  std::lock_guard lock(mu_);
  return !closed_ && absl::IsCancelled(end) && !not_handed_over_.ok() ? not_handed_over_ : end;
}

void ClientStream::CloseHandlers(const absl::Status& reason) {
  {
    const StreamHandlers handlers = std::move(handlers_);
    handlers_ = {};
    if (handlers.on_closed) handlers.on_closed(reason);
  }
  shared_->registry.Remove(this);
  std::lock_guard lock(mu_);
  const auto last = std::move(self_);
}

}  // namespace

struct UcxConnector::Impl {
  explicit Impl(std::shared_ptr<grpc::ChannelCredentials> credentials) : channels(std::move(credentials)) {}

  std::shared_ptr<grpc::Channel> ChannelFor(const std::string& address) {
    return channels.Get(address, [&](const auto& credentials) { return MakeStreamChannel(address, credentials); });
  }

  const std::shared_ptr<Shared> shared = std::make_shared<Shared>();
  ChannelCache channels;
};

UcxConnector::UcxConnector(UcxWorker* worker, Connector* fallback, UcxConnectorOptions options)
    : impl_(std::make_shared<Impl>(options.credentials)) {
  impl_->shared->worker = worker;
  impl_->shared->fallback = fallback;
  impl_->shared->options = std::move(options);
}

UcxConnector::~UcxConnector() { impl_->shared->registry.Shutdown(); }

std::shared_ptr<Connection> UcxConnector::Connect(const std::string& address, const std::string& method, StreamHandlers handlers) {
  if (impl_->shared->FallsBack(address)) return impl_->shared->fallback->Connect(address, method, std::move(handlers));
  const auto stream = std::make_shared<ClientStream>(address, method, std::move(handlers), impl_->shared);
  stream->Start(impl_->ChannelFor(address));
  return stream;
}

}  // namespace baleen
