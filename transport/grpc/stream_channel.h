// The channel below long streams between workers.
#ifndef BALEEN_TRANSPORT_GRPC_STREAM_CHANNEL_H_
#define BALEEN_TRANSPORT_GRPC_STREAM_CHANNEL_H_

#include <grpcpp/channel.h>
#include <grpcpp/security/credentials.h>

#include <memory>
#include <string>

namespace baleen {

// By DirectChannelArguments: pings find a host that vanished within 670 ms, as a connection that lost packets meanwhile would wait for
// seconds when the host is back. Messages may be as large as transport/limits.h says.
// Null credentials are plaintext.
std::shared_ptr<grpc::Channel> MakeStreamChannel(const std::string& address, const std::shared_ptr<grpc::ChannelCredentials>& credentials);

}  // namespace baleen

#endif  // BALEEN_TRANSPORT_GRPC_STREAM_CHANNEL_H_
