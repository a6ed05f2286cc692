// Streams of Frames over gRPC, the client's end.
#ifndef BALEEN_TRANSPORT_GRPC_GRPC_CONNECTOR_H_
#define BALEEN_TRANSPORT_GRPC_GRPC_CONNECTOR_H_

#include <grpcpp/security/credentials.h>

#include <memory>
#include <string>

#include "transport/limits.h"
#include "transport/transport.h"

namespace baleen {

// One channel per (address, method), so that hidden states never queue behind KV pages. Channels reconnect with a backoff of
// 100 ms to 1 s; a stream does not: it breaks with UNAVAILABLE and the caller connects again, over a new channel where the old one is
// severed. The end that calls Close sees on_closed(CANCELLED), the other one UNAVAILABLE; the end that reads a malformed frame closes the
// stream and sees INVALID_ARGUMENT. Thread-safe.
class GrpcConnector final : public Connector {
 public:
  // `credentials` are for every channel; null = plaintext.
  explicit GrpcConnector(StreamBounds bounds = {}, std::shared_ptr<grpc::ChannelCredentials> credentials = nullptr);
  // Closes every stream and waits for the last on_closed; not to be called from a handler.
  ~GrpcConnector() override;

  std::shared_ptr<Connection> Connect(const std::string& address, const std::string& method, StreamHandlers handlers) override;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace baleen

#endif  // BALEEN_TRANSPORT_GRPC_GRPC_CONNECTOR_H_
