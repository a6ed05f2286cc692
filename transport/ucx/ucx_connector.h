// Streams over UCX, the client's end; gRPC where the peer has no UCX or cannot be reached over it.
#ifndef BALEEN_TRANSPORT_UCX_UCX_CONNECTOR_H_
#define BALEEN_TRANSPORT_UCX_UCX_CONNECTOR_H_

#include <grpcpp/security/credentials.h>

#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "transport/limits.h"
#include "transport/transport.h"
#include "transport/ucx/ucx_worker.h"

namespace baleen {

struct UcxConnectorOptions {
  StreamBounds bounds = {};
  std::shared_ptr<grpc::ChannelCredentials> credentials = nullptr;  // Of the control channel; null = plaintext.
  // After the peer accepted, how long it may take until a message has gone each way over UCX.
  absl::Duration hello_timeout = absl::Seconds(1);
  // How long streams to an address go over the fallback at once, after one had to.
  absl::Duration retry_after = absl::Seconds(30);
  // A stream goes over the fallback. Called on transport threads; not called for what `retry_after` decides.
  std::function<void(const std::string& address, const absl::Status& reason)> on_fallback = {};
};

// A stream is offered over UcxControl.Open at `address` and goes over UCX once a message went each way. What was sent before waits, and
// goes over the fallback if there is to be one. Statuses of on_closed are those of GrpcConnector: the end that calls Close sees CANCELLED,
// the other one UNAVAILABLE, which also tells of a peer that died; the end that reads a malformed fragment sees INVALID_ARGUMENT. Handlers
// run on the worker's thread. Thread-safe.
class UcxConnector final : public Connector {
 public:
  // `worker` and `fallback` (unowned) outlive it.
  UcxConnector(UcxWorker* worker, Connector* fallback, UcxConnectorOptions options = {});
  // Closes every stream and waits for the last on_closed; not to be called from a handler.
  ~UcxConnector() override;

  std::shared_ptr<Connection> Connect(const std::string& address, const std::string& method, StreamHandlers handlers) override;

 private:
  struct Impl;
  const std::shared_ptr<Impl> impl_;
};

}  // namespace baleen

#endif  // BALEEN_TRANSPORT_UCX_UCX_CONNECTOR_H_
