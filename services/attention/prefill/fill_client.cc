#include "services/attention/prefill/fill_client.h"

#include <grpcpp/grpcpp.h>

#include <utility>

#include "proto/baleen/v1/attention.grpc.pb.h"
#include "services/common/channel.h"

namespace baleen {
namespace {

constexpr size_t kMaxChannels = 256;

struct Call {
  grpc::ClientContext context;
  v1::FillRequest request;
  v1::FillReply reply;
  std::unique_ptr<v1::Prefill::Stub> stub;
};

}  // namespace

std::function<void()> GrpcFillClient::Fill(const std::string& address, const v1::FillRequest& request, absl::Time deadline,
                                           std::function<void(absl::Status)> done) {
  auto call = std::make_shared<Call>();
  call->request = request;
  call->stub = v1::Prefill::NewStub(ChannelTo(address));
  call->context.set_deadline(absl::ToChronoTime(deadline));
  call->stub->async()->Fill(&call->context, &call->request, &call->reply, [call, done = std::move(done)](const grpc::Status& status) {
    done(absl::Status(static_cast<absl::StatusCode>(status.error_code()), status.error_message()));
  });
  return [call] { call->context.TryCancel(); };
}

std::shared_ptr<grpc::Channel> GrpcFillClient::ChannelTo(const std::string& address) {
  const std::lock_guard lock(mu_);
  if (channels_.size() >= kMaxChannels && !channels_.contains(address)) channels_.clear();
  std::shared_ptr<grpc::Channel>& channel = channels_[address];
  if (channel == nullptr) channel = MakeChannel(address);
  return channel;
}

}  // namespace baleen
