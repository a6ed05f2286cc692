#include "services/gateway/generation/decode_stream.h"

#include <grpcpp/grpcpp.h>

#include <mutex>
#include <utility>

#include "base/clock.h"
#include "proto/baleen/v1/attention.grpc.pb.h"
#include "services/common/channel_pool.h"
#include "services/common/grpc_deadline.h"

namespace baleen {
namespace {

absl::Status ToAbsl(const grpc::Status& status) {
  return absl::Status(static_cast<absl::StatusCode>(status.error_code()), status.error_message());
}

// Owns itself until OnDone.
class GrpcDecodeStream final : public DecodeStream,
                               public grpc::ClientBidiReactor<v1::DecodeCommand, v1::DecodeEvent>,
                               public std::enable_shared_from_this<GrpcDecodeStream> {
 public:
  GrpcDecodeStream(v1::StartSequence start, DecodeCallbacks callbacks) : callbacks_(std::move(callbacks)) {
    if (start.context().timeout_ms() > 0) {
      context_->set_deadline(GrpcDeadline(Clock::Real()->Now() + absl::Milliseconds(start.context().timeout_ms()) + kDeadlineGrace));
    }
    *start_.mutable_start() = std::move(start);
  }

  void Begin(std::shared_ptr<grpc::Channel> channel, const std::shared_ptr<OpenCalls>& calls) {
    calls_ = calls;
    const std::shared_ptr<GrpcDecodeStream> self = shared_from_this();
    call_id_ = calls_->Add([weak = weak_from_this()] {
      if (const auto stream = weak.lock()) stream->Detach();
    });
    if (call_id_ == 0) {
      done_ = true;
      return std::exchange(callbacks_, {}).on_done(absl::CancelledError("the dialer is shut down"));
    }
    self_ = self;
    stub_ = v1::Decode::NewStub(std::move(channel));
    stub_->async()->Run(context_.get(), this);
    AddHold();  // For writes and reads that start outside reactions; released with the last read.
    StartWrite(&start_);
    StartRead(&event_);
    StartCall();
  }

  void Cancel() override {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (done_ || std::exchange(cancelled_, true)) return;
    if (start_written_) WriteCancel();
    ReadOnLocked();
  }

  void Detach() override {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (done_ || std::exchange(cancelled_, true)) return;
    detached_ = true;
    context_->TryCancel();
    ReadOnLocked();
  }

  void Pause(bool paused) override {
    const std::lock_guard<std::mutex> lock(mutex_);
    paused_ = paused;
    if (!paused) ReadOnLocked();
  }

 private:
  void WriteCancel() {
    cancel_.mutable_cancel();
    StartWriteLast(&cancel_, grpc::WriteOptions());
  }

  // Only a read tells of the stream's end.
  void ReadOnLocked() {
    if (std::exchange(read_held_, false) && !done_) StartRead(&event_);
  }

  void OnWriteDone(bool ok) override {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (done_) return;
    if (std::exchange(start_written_, true)) {
      context_->TryCancel();  // The worker has been told; nothing it still says is wanted.
    } else if (ok && cancelled_ && !detached_) {
      WriteCancel();
    }
  }

  void OnReadDone(bool ok) override {
    if (ok) callbacks_.on_event(event_);
    const std::lock_guard<std::mutex> lock(mutex_);
    // Behind the finish only the stream's end comes, and nobody unpauses a sequence that is over.
    if (ok && paused_ && !cancelled_ && !event_.has_finish()) {
      read_held_ = true;
    } else if (ok) {
      StartRead(&event_);
    } else {
      done_ = true;
      RemoveHold();
    }
  }

  void OnDone(const grpc::Status& status) override {
    const std::shared_ptr<GrpcDecodeStream> self = std::move(self_);
    {
      const DecodeCallbacks callbacks = std::exchange(callbacks_, {});  // They own who owns this stream.
      callbacks.on_done(ToAbsl(status));
    }
    // Both refer to the channel, which must not go on one of gRPC's threads.
    context_.reset();
    stub_.reset();
    calls_->Remove(call_id_);
  }

  std::shared_ptr<OpenCalls> calls_;
  uint64_t call_id_ = 0;
  std::unique_ptr<v1::Decode::Stub> stub_;
  DecodeCallbacks callbacks_;
  std::unique_ptr<grpc::ClientContext> context_ = std::make_unique<grpc::ClientContext>();  // Until done_.
  v1::DecodeCommand start_;
  v1::DecodeCommand cancel_;
  v1::DecodeEvent event_;
  std::mutex mutex_;
  bool start_written_ = false;
  bool cancelled_ = false;
  bool detached_ = false;  // Cancelled, but not to be freed.
  bool paused_ = false;
  bool read_held_ = false;
  bool done_ = false;
  std::shared_ptr<GrpcDecodeStream> self_;
};

class GrpcDecodeDialer final : public DecodeDialer {
 public:
  explicit GrpcDecodeDialer(std::shared_ptr<grpc::ChannelCredentials> credentials) : channels_(std::move(credentials), kWorkerSilence) {}
  ~GrpcDecodeDialer() override { calls_->Shutdown(); }

  void Shutdown() override { calls_->Shutdown(); }

  std::shared_ptr<DecodeStream> Open(const std::string& address, v1::StartSequence start, DecodeCallbacks callbacks) override {
    auto stream = std::make_shared<GrpcDecodeStream>(std::move(start), std::move(callbacks));
    stream->Begin(channels_.To(address), calls_);
    return stream;
  }

 private:
  ChannelPool channels_;
  const std::shared_ptr<OpenCalls> calls_ = std::make_shared<OpenCalls>();
};

}  // namespace

std::unique_ptr<DecodeDialer> MakeGrpcDecodeDialer(std::shared_ptr<grpc::ChannelCredentials> credentials) {
  return std::make_unique<GrpcDecodeDialer>(std::move(credentials));
}

}  // namespace baleen
