#include "services/common/channel.h"

#include <grpcpp/create_channel.h>

#include "transport/grpc/direct_channel.h"

namespace baleen {
namespace {

// Often, so that little of the silence has gone by when the ping that gets no answer is sent.
constexpr int kPingsInSilence = 7;
constexpr int kWindowBytes = 2 << 10;
// Five minutes, and a margin for pings that are under way for different times.
constexpr absl::Duration kOutsidePingEvery = absl::Minutes(6);

grpc::ChannelArguments Arguments(absl::Duration ping_every, absl::Duration ping_patience) {
  grpc::ChannelArguments args = DirectChannelArguments(ping_every, ping_patience);
  args.SetMaxReceiveMessageSize(kMaxMessageBytes);
  args.SetMaxSendMessageSize(kMaxMessageBytes);
  // What is answered to a client that does not read is to pause its source instead of piling up here, where a token takes 90 bytes of
  // memory for the 13 that the window counts. Who reads a larger message gets all of it at once.
  args.SetInt(GRPC_ARG_HTTP2_BDP_PROBE, 0);
  args.SetInt(GRPC_ARG_HTTP2_STREAM_LOOKAHEAD_BYTES, kWindowBytes);
  return args;
}

}  // namespace

std::shared_ptr<grpc::Channel> MakeChannel(const std::string& address, std::shared_ptr<grpc::ChannelCredentials> credentials,
                                           absl::Duration silence) {
  const absl::Duration pause = silence / kPingsInSilence;
  grpc::ChannelArguments args = Arguments(pause, silence - pause);
  args.SetInt(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  args.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  return grpc::CreateCustomChannel(address, credentials, args);
}

std::shared_ptr<grpc::Channel> MakeOutsideChannel(const std::string& address, std::shared_ptr<grpc::ChannelCredentials> credentials) {
  return grpc::CreateCustomChannel(address, credentials, Arguments(kOutsidePingEvery, kDefaultSilence));
}

}  // namespace baleen
