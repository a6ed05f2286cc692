#include "transport/grpc/direct_channel.h"

namespace baleen {

grpc::ChannelArguments DirectChannelArguments(absl::Duration ping_every, absl::Duration ping_patience) {
  grpc::ChannelArguments args;
  args.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  // gRPC's own pauses grow to two minutes: who started before its peer would find it seconds after it is there.
  args.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 50);
  // Also the time that a connection attempt has at least: a TLS handshake on a busy machine takes longer than the first pause.
  args.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 1000);
  args.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 1000);
  args.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, static_cast<int>(absl::ToInt64Milliseconds(ping_every)));
  args.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, static_cast<int>(absl::ToInt64Milliseconds(ping_patience)));
  // Internal addresses are direct: a proxy from the environment must not see them.
  args.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  return args;
}

}  // namespace baleen
