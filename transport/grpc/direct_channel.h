// What all channels between the processes of a cluster have in common.
#ifndef BALEEN_TRANSPORT_GRPC_DIRECT_CHANNEL_H_
#define BALEEN_TRANSPORT_GRPC_DIRECT_CHANNEL_H_

#include <grpcpp/support/channel_arguments.h>

#include "absl/time/time.h"

namespace baleen {

// A connection of its own (no subchannel shared with other channels), tried again after 50 ms to 1 s for as long as there is none, and
// never by a proxy of the environment. While calls are open a ping goes out each `ping_every`; one without an answer for `ping_patience`
// ends the connection.
grpc::ChannelArguments DirectChannelArguments(absl::Duration ping_every, absl::Duration ping_patience);

}  // namespace baleen

#endif  // BALEEN_TRANSPORT_GRPC_DIRECT_CHANNEL_H_
