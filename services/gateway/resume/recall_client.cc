#include "services/gateway/resume/recall_client.h"

#include <grpcpp/grpcpp.h>

#include <mutex>
#include <utility>

#include "proto/baleen/v1/attention.grpc.pb.h"
#include "services/common/channel_pool.h"
#include "services/common/grpc_deadline.h"

namespace baleen {
namespace {

// `context_` and `stub_` refer to the channel: they go before the call counts as over.
class Call : public std::enable_shared_from_this<Call> {
 public:
  Call(std::shared_ptr<OpenCalls> calls, const v1::RecallRequest& request, absl::Time deadline, RecallDone done)
      : calls_(std::move(calls)), request_(request), done_(std::move(done)) {
    context_->set_deadline(GrpcDeadline(deadline));
  }

  void Start(std::shared_ptr<grpc::Channel> channel) {
    stub_ = v1::Decode::NewStub(std::move(channel));
    const std::shared_ptr<Call> self = shared_from_this();
    id_ = calls_->Add([self] { self->Cancel(); });
    if (id_ == 0) return std::exchange(done_, nullptr)(absl::UnavailableError("the gateway is shutting down"));
    stub_->async()->Recall(context_.get(), &request_, &reply_, [self](const grpc::Status& status) { self->OnDone(status); });
  }

 private:
  void Cancel() {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (context_ != nullptr) context_->TryCancel();
  }

  void OnDone(const grpc::Status& status) {
    const RecallDone done = std::exchange(done_, nullptr);
    if (status.ok()) {
      done(std::move(reply_));
    } else {
      done(absl::Status(static_cast<absl::StatusCode>(status.error_code()), status.error_message()));
    }
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      context_.reset();
    }
    stub_.reset();
    calls_->Remove(id_);
  }

  const std::shared_ptr<OpenCalls> calls_;
  uint64_t id_ = 0;
  std::mutex mutex_;  // Guards context_ between Cancel and OnDone.
  std::unique_ptr<grpc::ClientContext> context_ = std::make_unique<grpc::ClientContext>();
  std::unique_ptr<v1::Decode::Stub> stub_;
  const v1::RecallRequest request_;
  v1::RecallReply reply_;
  RecallDone done_;
};

class GrpcRecallClient final : public RecallClient {
 public:
  explicit GrpcRecallClient(std::shared_ptr<grpc::ChannelCredentials> credentials) : channels_(std::move(credentials), kWorkerSilence) {}
  ~GrpcRecallClient() override { calls_->Shutdown(); }

  void Recall(const std::string& address, const v1::RecallRequest& request, absl::Time deadline, RecallDone done) override {
    std::make_shared<Call>(calls_, request, deadline, std::move(done))->Start(channels_.To(address));
  }

 private:
  ChannelPool channels_;
  const std::shared_ptr<OpenCalls> calls_ = std::make_shared<OpenCalls>();
};

}  // namespace

std::unique_ptr<RecallClient> MakeGrpcRecallClient(std::shared_ptr<grpc::ChannelCredentials> credentials) {
  return std::make_unique<GrpcRecallClient>(std::move(credentials));
}

}  // namespace baleen
