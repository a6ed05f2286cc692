#include "services/gateway/generation/decode_stream.h"

#include <grpcpp/grpcpp.h>

#include <map>
#include <mutex>
#include <utility>

#include "absl/time/time.h"
#include "proto/baleen/v1/attention.grpc.pb.h"
#include "services/common/channel.h"

namespace baleen {
namespace {

absl::Status ToAbsl(const grpc::Status& status) {
  return absl::Status(static_cast<absl::StatusCode>(status.error_code()), status.error_message());
}

// A worker ends its sequences by their deadline; one that does not answer any more is given up this much later.
constexpr absl::Duration kDeadlineGrace = absl::Seconds(1);

// Owns itself until OnDone.
class GrpcDecodeStream final : public DecodeStream,
                               public grpc::ClientBidiReactor<v1::DecodeCommand, v1::DecodeEvent>,
                               public std::enable_shared_from_this<GrpcDecodeStream> {
 public:
  GrpcDecodeStream(std::shared_ptr<grpc::Channel> channel, v1::StartSequence start, DecodeCallbacks callbacks)
      : stub_(v1::Decode::NewStub(channel)), callbacks_(std::move(callbacks)) {
    if (start.context().deadline_unix_ms() > 0)
      context_.set_deadline(absl::ToChronoTime(absl::FromUnixMillis(start.context().deadline_unix_ms()) + kDeadlineGrace));
    *start_.mutable_start() = std::move(start);
  }

  void Begin() {
    self_ = shared_from_this();
    stub_->async()->Run(&context_, this);
    AddHold();  // For writes that start outside reactions; released after the cancel or with the last read.
    StartWrite(&start_);
    StartRead(&event_);
    StartCall();
  }

  void Cancel() override {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (done_ || std::exchange(cancelled_, true)) return;
    if (start_written_) WriteCancel();
  }

 private:
  void WriteCancel() {
    cancel_.mutable_cancel();
    StartWriteLast(&cancel_, grpc::WriteOptions());
  }

  void OnWriteDone(bool ok) override {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (std::exchange(start_written_, true)) {
      context_.TryCancel();  // The worker has been told; nothing it still says is wanted.
    } else if (ok && cancelled_ && !done_) {
      WriteCancel();
    }
  }

  void OnReadDone(bool ok) override {
    if (ok) {
      callbacks_.on_event(event_);
      StartRead(&event_);
      return;
    }
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      done_ = true;
    }
    RemoveHold();
  }

  void OnDone(const grpc::Status& status) override {
    const std::shared_ptr<GrpcDecodeStream> self = std::move(self_);
    const DecodeCallbacks callbacks = std::exchange(callbacks_, {});  // They own who owns this stream.
    callbacks.on_done(ToAbsl(status));
  }

  std::unique_ptr<v1::Decode::Stub> stub_;
  DecodeCallbacks callbacks_;
  grpc::ClientContext context_;
  v1::DecodeCommand start_;
  v1::DecodeCommand cancel_;
  v1::DecodeEvent event_;
  std::mutex mutex_;
  bool start_written_ = false;
  bool cancelled_ = false;
  bool done_ = false;
  std::shared_ptr<GrpcDecodeStream> self_;
};

class GrpcDecodeDialer final : public DecodeDialer {
 public:
  std::shared_ptr<DecodeStream> Open(const std::string& address, v1::StartSequence start, DecodeCallbacks callbacks) override {
    auto stream = std::make_shared<GrpcDecodeStream>(ChannelTo(address), std::move(start), std::move(callbacks));
    stream->Begin();
    return stream;
  }

 private:
  std::shared_ptr<grpc::Channel> ChannelTo(const std::string& address) {
    const std::lock_guard<std::mutex> lock(mutex_);
    std::shared_ptr<grpc::Channel>& channel = channels_[address];
    if (channel == nullptr) channel = MakeChannel(address);
    return channel;
  }

  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<grpc::Channel>> channels_;
};

}  // namespace

std::unique_ptr<DecodeDialer> MakeGrpcDecodeDialer() { return std::make_unique<GrpcDecodeDialer>(); }

}  // namespace baleen
