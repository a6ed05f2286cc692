// Streams of Frames over gRPC, the server's end. To be put behind a generated raw method, so that reflection lists the service:
//
//   class ExpertGrpc final : public v1::Expert::WithRawCallbackMethod_Exchange<v1::Expert::Service> {
//     grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* Exchange(grpc::CallbackServerContext* context) override {
//       return streams_.Accept(context);
//     }
//     GrpcStreamServer streams_;
//   };
#ifndef BALEEN_TRANSPORT_GRPC_GRPC_STREAM_SERVER_H_
#define BALEEN_TRANSPORT_GRPC_GRPC_STREAM_SERVER_H_

#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/server_callback.h>

#include <memory>

#include "transport/limits.h"
#include "transport/transport.h"

namespace baleen {

// Thread-safe. A stream whose client half-closes, cancels or vanishes ends with on_closed(UNAVAILABLE); a malformed frame with
// INVALID_ARGUMENT.
class GrpcStreamServer {
 public:
  explicit GrpcStreamServer(AcceptFunction accept, StreamBounds bounds = {});
  // As Shutdown; the gRPC server that calls Accept must have been shut down.
  ~GrpcStreamServer();

  // One new stream; the reactor owns itself. Refuses with UNAVAILABLE after Shutdown.
  grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* Accept(grpc::CallbackServerContext* context);

  // Closes every stream, refuses new ones and waits for the last on_closed; not to be called from a handler. What is queued goes out
  // before, to peers that take it within kSendTime. A gRPC server's own Shutdown waits for open streams, so this comes first.
  void Shutdown();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace baleen

#endif  // BALEEN_TRANSPORT_GRPC_GRPC_STREAM_SERVER_H_
