// How this worker's streams go to other workers: gRPC, or UCX where both ends have it.
#ifndef BALEEN_SERVICES_COMMON_WORKER_TRANSPORT_H_
#define BALEEN_SERVICES_COMMON_WORKER_TRANSPORT_H_

#include <grpcpp/impl/codegen/service_type.h>
#include <grpcpp/security/credentials.h>
#include <prometheus/registry.h>

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "transport/transport.h"

namespace baleen {

struct WorkerTransportOptions {
  // auto: UCX if this process can have it. ucx: as auto, but a process that cannot have it does not start. grpc: no UCX.
  std::string transport = "auto";
  std::string ucx_devices = "sm";  // As UcxOptions says.
  // UCX has no encryption: auto leaves it out, ucx does not start.
  bool encryption_required = false;
};

// Thread-safe but for Serve. Outlives its connectors and streams.
class WorkerTransport {
 public:
  // Before the process starts other threads, since it may set variables of the environment for UCX. INVALID_ARGUMENT names the flag.
  static absl::StatusOr<std::unique_ptr<WorkerTransport>> Create(const WorkerTransportOptions& options, prometheus::Registry& metrics);
  ~WorkerTransport();

  // Each has channels of its own, with these credentials. A stream over gRPC that was to go over UCX is logged, with the reason.
  std::unique_ptr<Connector> NewConnector(std::shared_ptr<grpc::ChannelCredentials> credentials);

  // Serves `method` over UCX, beside the gRPC service that serves it; before the server starts.
  void Serve(const std::string& method, AcceptFunction accept);
  // To be served beside the others; null without UCX.
  grpc::Service* control_service();
  // Closes the streams accepted over UCX; as GrpcStreamServer::Shutdown.
  void Shutdown();

 private:
  struct Impl;
  explicit WorkerTransport(std::unique_ptr<Impl> impl);
  const std::unique_ptr<Impl> impl_;
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_COMMON_WORKER_TRANSPORT_H_
