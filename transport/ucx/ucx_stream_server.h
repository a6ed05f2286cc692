// Streams over UCX, the server's end: a gRPC service beside those that serve the same streams over gRPC.
#ifndef BALEEN_TRANSPORT_UCX_UCX_STREAM_SERVER_H_
#define BALEEN_TRANSPORT_UCX_UCX_STREAM_SERVER_H_

#include <map>
#include <memory>
#include <string>

#include "proto/baleen/v1/ucx.grpc.pb.h"
#include "transport/grpc/stream_registry.h"
#include "transport/limits.h"
#include "transport/transport.h"
#include "transport/ucx/ucx_worker.h"

namespace baleen {

// A stream is accepted once a message has gone each way over UCX; its handlers run on the worker's thread. Its end is as
// GrpcStreamServer's. A peer that this end cannot reach is answered FAILED_PRECONDITION, a method that is not served UNIMPLEMENTED.
// Thread-safe but for Serve.
class UcxStreamServer final : public v1::UcxControl::CallbackService {
 public:
  // `worker` (unowned) outlives it.
  explicit UcxStreamServer(UcxWorker* worker, StreamBounds bounds = {});
  // As Shutdown; the gRPC server must have been shut down.
  ~UcxStreamServer() override;

  // Before the gRPC server starts. `method` as UcxOffer names it.
  void Serve(const std::string& method, AcceptFunction accept);

  grpc::ServerBidiReactor<v1::UcxOffer, v1::UcxAcceptance>* Open(grpc::CallbackServerContext* context) override;

  // Closes every stream, refuses new ones and waits for the last on_closed; not to be called from a handler. What is queued goes out
  // before, to peers that take it within kSendTime. A gRPC server's own Shutdown waits for open streams, so this comes first.
  void Shutdown();

 private:
  UcxWorker* const worker_;
  const StreamBounds bounds_;
  std::map<std::string, AcceptFunction> methods_;
  const std::shared_ptr<StreamRegistry> registry_ = std::make_shared<StreamRegistry>();
};

}  // namespace baleen

#endif  // BALEEN_TRANSPORT_UCX_UCX_STREAM_SERVER_H_
