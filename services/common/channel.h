// gRPC channels with the options that every internal hop wants.
#ifndef BALEEN_SERVICES_COMMON_CHANNEL_H_
#define BALEEN_SERVICES_COMMON_CHANNEL_H_

#include <grpcpp/channel.h>
#include <grpcpp/security/credentials.h>

#include <memory>
#include <string>

#include "absl/time/time.h"

namespace baleen {

// Largest message on any internal or public gRPC port.
inline constexpr int kMaxMessageBytes = 64 << 20;

// A peer that does not even answer pings for this long counts as gone, unless its caller is less patient.
inline constexpr absl::Duration kDefaultSilence = absl::Seconds(15);

// For workers that a stream of tokens waits for, busy or not: pings are answered by threads that do nothing else. Together with doing the
// work again elsewhere it is what a stream stalls for when a worker stops or is cut off: a second at most.
inline constexpr absl::Duration kWorkerSilence = absl::Milliseconds(670);

// A channel with a connection of its own (no subchannel shared with other channels), 64 MiB messages, keep-alive that breaks the connection
// after `silence`, and reconnects after 50 ms to 1 s. address is host:port.
std::shared_ptr<grpc::Channel> MakeChannel(const std::string& address, std::shared_ptr<grpc::ChannelCredentials> credentials,
                                           absl::Duration silence = kDefaultSilence);

}  // namespace baleen

#endif  // BALEEN_SERVICES_COMMON_CHANNEL_H_
