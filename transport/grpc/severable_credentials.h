// Channels whose server may lose its trust while they are open.
#ifndef BALEEN_TRANSPORT_GRPC_SEVERABLE_CREDENTIALS_H_
#define BALEEN_TRANSPORT_GRPC_SEVERABLE_CREDENTIALS_H_

#include <grpcpp/channel.h>
#include <grpcpp/security/credentials.h>

namespace baleen {

// Once a channel is severed, calls over it fail with UNAVAILABLE, those under way too, though its connection stays: who keeps channels lets
// it go and makes a new one, which the server must prove itself to again.
class SeverableCredentials : public grpc::ChannelCredentials {
 public:
  // `channel` was made with these credentials. Thread-safe.
  virtual bool Severed(const grpc::Channel& channel) const = 0;
};

}  // namespace baleen

#endif  // BALEEN_TRANSPORT_GRPC_SEVERABLE_CREDENTIALS_H_
