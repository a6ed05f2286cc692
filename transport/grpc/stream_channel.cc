#include "transport/grpc/stream_channel.h"

#include <grpcpp/create_channel.h>

#include "absl/time/time.h"
#include "transport/grpc/direct_channel.h"
#include "transport/limits.h"

namespace baleen {

namespace {

// Room for the two tags and sizes.
constexpr int kMaxFrameBytes = static_cast<int>(kMaxHeaderBytes + kMaxPayloadBytes + 64);

// Often and patiently: little of the silence has gone by when the ping that gets no answer is sent.
constexpr absl::Duration kPingEvery = absl::Milliseconds(95);
constexpr absl::Duration kPingPatience = absl::Milliseconds(575);

}  // namespace

std::shared_ptr<grpc::Channel> MakeStreamChannel(const std::string& address, const std::shared_ptr<grpc::ChannelCredentials>& credentials) {
  grpc::ChannelArguments args = DirectChannelArguments(kPingEvery, kPingPatience);
  args.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  args.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  // Large frames keep payloads in few slices.
  args.SetInt(GRPC_ARG_HTTP2_MAX_FRAME_SIZE, 1 << 20);
  args.SetMaxReceiveMessageSize(kMaxFrameBytes);
  args.SetMaxSendMessageSize(kMaxFrameBytes);
  return grpc::CreateCustomChannel(address, credentials != nullptr ? credentials : grpc::InsecureChannelCredentials(), args);
}

}  // namespace baleen
