#include "services/attention/prefill/fill_client.h"

#include <grpcpp/grpcpp.h>

#include <mutex>
#include <utility>

#include "proto/baleen/v1/attention.grpc.pb.h"
#include "services/common/grpc_deadline.h"

namespace baleen {
namespace {

// A call's memory. `context` and `stub` refer to the channel: they go before the call counts as over.
class Call : public std::enable_shared_from_this<Call> {
 public:
  Call(const v1::FillRequest& request, absl::Time deadline, std::function<void(absl::Status)> done)
      : request_(request), done_(std::move(done)) {
    context_->set_deadline(GrpcDeadline(deadline));
  }

  void Start(std::shared_ptr<grpc::Channel> channel, const std::shared_ptr<OpenCalls>& calls) {
    stub_ = v1::Prefill::NewStub(std::move(channel));
    calls_ = calls;
    const auto self = shared_from_this();
    id_ = calls_->Add([self] { self->Cancel(); });
    if (id_ == 0) return std::exchange(done_, nullptr)(absl::UnavailableError("the fill client is shut down"));
    stub_->async()->Fill(context_.get(), &request_, &reply_, [self](const grpc::Status& status) { self->OnDone(status); });
  }

  void Cancel() {
    const std::lock_guard lock(mu_);
    if (context_ != nullptr) context_->TryCancel();
  }

 private:
  void OnDone(const grpc::Status& status) {
    std::exchange(done_, nullptr)(absl::Status(static_cast<absl::StatusCode>(status.error_code()), status.error_message()));
    {
      const std::lock_guard lock(mu_);
      context_.reset();
    }
    stub_.reset();
    calls_->Remove(id_);
  }

  std::mutex mu_;  // Guards context_ between Cancel and OnDone.
  std::unique_ptr<grpc::ClientContext> context_ = std::make_unique<grpc::ClientContext>();
  std::unique_ptr<v1::Prefill::Stub> stub_;
  const v1::FillRequest request_;
  v1::FillReply reply_;
  std::function<void(absl::Status)> done_;
  std::shared_ptr<OpenCalls> calls_;
  uint64_t id_ = 0;
};

}  // namespace

GrpcFillClient::~GrpcFillClient() { calls_->Shutdown(); }

std::function<void()> GrpcFillClient::Fill(const std::string& address, const v1::FillRequest& request, absl::Time deadline,
                                           std::function<void(absl::Status)> done) {
  const auto call = std::make_shared<Call>(request, deadline, std::move(done));
  call->Start(channels_.To(address), calls_);
  return [call] { call->Cancel(); };
}

}  // namespace baleen
