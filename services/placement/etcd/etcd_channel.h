// The channel to a member of etcd.
#ifndef BALEEN_SERVICES_PLACEMENT_ETCD_ETCD_CHANNEL_H_
#define BALEEN_SERVICES_PLACEMENT_ETCD_ETCD_CHANNEL_H_

#include <grpcpp/channel.h>
#include <grpcpp/security/credentials.h>

#include <memory>
#include <string>

namespace baleen {

// By DirectChannelArguments, to host:port. A member that answers no pings ends its open streams after 8 s; etcd takes no more than a ping
// each 5 s, and none without a stream. Null credentials = plaintext.
std::shared_ptr<grpc::Channel> MakeEtcdChannel(const std::string& address, const std::shared_ptr<grpc::ChannelCredentials>& credentials);

}  // namespace baleen

#endif  // BALEEN_SERVICES_PLACEMENT_ETCD_ETCD_CHANNEL_H_
