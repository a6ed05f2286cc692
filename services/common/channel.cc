#include "services/common/channel.h"

#include <grpcpp/create_channel.h>

#include "transport/grpc/direct_channel.h"

namespace baleen {

std::shared_ptr<grpc::Channel> MakeChannel(const std::string& address, std::shared_ptr<grpc::ChannelCredentials> credentials,
                                           absl::Duration silence) {
  grpc::ChannelArguments args = DirectChannelArguments(silence / 3, silence * 2 / 3);
  args.SetMaxReceiveMessageSize(kMaxMessageBytes);
  args.SetMaxSendMessageSize(kMaxMessageBytes);
  args.SetInt(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  args.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  return grpc::CreateCustomChannel(address, credentials, args);
}

}  // namespace baleen
