#include "transport/ucx/ucx_stream_server.h"

#include <mutex>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/clock.h"
#include "transport/ucx/ucx_end.h"
#include "transport/ucx/ucx_session.h"

namespace baleen {

namespace {

// Longer than a client waits before it falls back.
constexpr absl::Duration kHelloTimeout = absl::Seconds(5);

grpc::Status ToGrpc(const absl::Status& status) {
  return grpc::Status(static_cast<grpc::StatusCode>(status.code()), std::string(status.message()));
}

// Keeps itself alive from construction to OnDone.
class ServerStream final : public OwnedStream,
                           public grpc::ServerBidiReactor<v1::UcxOffer, v1::UcxAcceptance>,
                           public std::enable_shared_from_this<ServerStream> {
 public:
  ServerStream(const std::map<std::string, AcceptFunction>* methods, UcxWorker* worker, StreamBounds bounds,
               std::shared_ptr<StreamRegistry> registry)
      : methods_(methods),
        worker_(worker),
        registry_(std::move(registry)),
        session_(std::make_shared<UcxSession>(worker, UcxSession::Side::kAccepts, bounds)) {}

  void Start() {
    self_ = shared_from_this();
    if (!registry_->Add(self_)) return Refuse(absl::UnavailableError("shutting down"));
    StartRead(&offer_);
  }

  absl::Status Send(Message message) override { return session_->Send(std::move(message)); }
  void Close() override { EndSession(ClosedHere()); }
  void CloseWhenSent() override {
    if (!HasStarted()) return Close();
    session_->EndWhenSent(ClosedHere());
  }

 private:
  static absl::Status ClosedHere() { return absl::CancelledError("closed by this end"); }

  bool HasStarted() {
    std::lock_guard lock(mu_);
    return started_;
  }

  // Of a stream whose session has not started.
  void Refuse(absl::Status status) {
    {
      std::lock_guard lock(mu_);
      if (std::exchange(finished_, true)) return;
    }
    Finish(ToGrpc(status));
  }

  void EndSession(absl::Status reason) {
    if (HasStarted()) return session_->End(std::move(reason));
    // What this end did on purpose is an absence to the peer.
    Refuse(absl::UnavailableError("the peer closed the stream"));
  }

  void OnReadDone(bool ok) override {
    if (!ok) return EndSession(absl::UnavailableError("the peer closed the stream"));
    if (accept_ != nullptr) return EndSession(absl::InvalidArgumentError("a second offer"));
    const absl::Status accepted = Accept();
    if (!accepted.ok()) return Refuse(accepted);
  }

  absl::Status Accept() {
    const auto method = methods_->find(offer_.method());
    if (method == methods_->end()) return absl::UnimplementedError("this method is not served over UCX");
    const absl::StatusOr<UcxCoordinates> peer = FromWire(offer_.end(), worker_->place());
    if (!peer.ok()) return peer.status();
    accept_ = &method->second;
    {
      std::lock_guard lock(mu_);
      if (finished_) return absl::UnavailableError("shutting down");
      started_ = true;
      writing_ = true;
    }
    *acceptance_.mutable_end() =
        ToWire(session_->Start({.on_open = [self = self_] { self->handlers_ = (*self->accept_)(self); },
                                .on_message =
                                    [self = self_](Message message) {
                                      if (self->handlers_.on_message) self->handlers_.on_message(std::move(message));
                                    },
                                .on_ended = [self = self_](absl::Status reason, bool opened) { self->OnSessionEnded(std::move(reason)); }}),
               worker_->place());
    session_->Attach(*peer, Clock::Real()->Now() + kHelloTimeout);
    StartWrite(&acceptance_);
    StartRead(&offer_);
    return absl::OkStatus();
  }

  void OnSessionEnded(absl::Status reason) {
    {
      std::lock_guard lock(mu_);
      end_ = std::move(reason);
    }
    FinishIfOver();
  }

  void OnWriteDone(bool ok) override {
    {
      std::lock_guard lock(mu_);
      writing_ = false;
    }
    FinishIfOver();
  }

  void FinishIfOver() {
    absl::Status end;
    {
      std::lock_guard lock(mu_);
      if (!end_.has_value() || writing_ || std::exchange(finished_, true)) return;
      end = *end_;
    }
    const bool closed = end.code() == absl::StatusCode::kCancelled;
    Finish(ToGrpc(closed ? absl::UnavailableError("the peer closed the stream") : end));
  }

  void OnDone() override {
    {
      const StreamHandlers handlers = std::move(handlers_);
      handlers_ = {};
      if (handlers.on_closed) handlers.on_closed(end_.value_or(absl::UnavailableError("the stream was refused")));
    }
    registry_->Remove(this);
    const auto last = std::move(self_);
  }

  const std::map<std::string, AcceptFunction>* const methods_;
  UcxWorker* const worker_;
  const std::shared_ptr<StreamRegistry> registry_;
  const std::shared_ptr<UcxSession> session_;
  const AcceptFunction* accept_ = nullptr;
  StreamHandlers handlers_;  // Of the worker's thread, then of OnDone.
  v1::UcxOffer offer_;
  v1::UcxAcceptance acceptance_;
  std::shared_ptr<ServerStream> self_;

  std::mutex mu_;
  bool started_ = false;  // The session is; only its end finishes the call.
  bool writing_ = false;
  bool finished_ = false;
  std::optional<absl::Status> end_;
};

}  // namespace

UcxStreamServer::UcxStreamServer(UcxWorker* worker, StreamBounds bounds) : worker_(worker), bounds_(bounds) {}

UcxStreamServer::~UcxStreamServer() { Shutdown(); }

void UcxStreamServer::Serve(const std::string& method, AcceptFunction accept) { methods_[method] = std::move(accept); }

grpc::ServerBidiReactor<v1::UcxOffer, v1::UcxAcceptance>* UcxStreamServer::Open(grpc::CallbackServerContext* context) {
  const auto stream = std::make_shared<ServerStream>(&methods_, worker_, bounds_, registry_);
  stream->Start();
  return stream.get();
}

void UcxStreamServer::Shutdown() { registry_->Shutdown(kSendTime); }

}  // namespace baleen
