// gRPC channels: to the cluster's own processes, and to servers that are no part of it.
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

// The same to a server of somebody else's, which cuts off who pings it more often than gRPC has it by default (GOAWAY, too_many_pings):
// each five minutes, and never without a call. A host that vanished is found by TCP, since nobody acknowledges what was sent for
// kDefaultSilence; other silence is for deadlines to find.
std::shared_ptr<grpc::Channel> MakeOutsideChannel(const std::string& address, std::shared_ptr<grpc::ChannelCredentials> credentials);

}  // namespace baleen

#endif  // BALEEN_SERVICES_COMMON_CHANNEL_H_
