#include "services/placement/etcd/etcd_channel.h"

#include <grpcpp/create_channel.h>

#include "absl/time/time.h"
#include "transport/grpc/direct_channel.h"

namespace baleen {
namespace {

constexpr absl::Duration kPingEvery = absl::Seconds(6);
constexpr absl::Duration kPingPatience = absl::Seconds(2);

}  // namespace

std::shared_ptr<grpc::Channel> MakeEtcdChannel(const std::string& address, const std::shared_ptr<grpc::ChannelCredentials>& credentials) {
  return grpc::CreateCustomChannel(address, credentials != nullptr ? credentials : grpc::InsecureChannelCredentials(),
                                   DirectChannelArguments(kPingEvery, kPingPatience));
}

}  // namespace baleen
