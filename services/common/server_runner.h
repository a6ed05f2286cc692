// What every service process is around its own logic: gRPC server with health and reflection, metrics and health over HTTP, signals.
#ifndef BALEEN_SERVICES_COMMON_SERVER_RUNNER_H_
#define BALEEN_SERVICES_COMMON_SERVER_RUNNER_H_

#include <grpcpp/grpcpp.h>
#include <prometheus/registry.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "services/common/call_guard.h"
#include "services/common/channel.h"
#include "services/common/cluster_credentials.h"

namespace baleen {

class SpanExporter;

struct ServerOptions {
  std::string role;  // "expert", for logs and metrics.
  std::string bind = "127.0.0.1";
  std::string advertise = {};  // Where other processes reach this one; empty = bind.
  int grpc_port = 0;           // 0 = any free one.
  int metrics_port = 0;        // /metrics, /livez, /readyz; 0 = any free one.
  absl::Duration drain_timeout = absl::Seconds(30);
  ClusterCredentials credentials = {};       // Towards the other processes of the cluster.
  bool allow_plaintext = false;              // Ports without TLS on addresses that others reach.
  int max_receive_bytes = kMaxMessageBytes;  // Of a gRPC message that comes in.
  std::string log_level_file = {};           // Whose word is the log's level whenever it changes (LogLevelFile); empty = none.
  std::string otlp_endpoint = {};            // Where spans go (SpanExporterOptions::endpoint); empty = no traces.
  std::shared_ptr<grpc::ChannelCredentials> otlp_credentials = {};  // Null = plaintext.
};

// Owns the process's servers. Construct it before any other thread starts (it blocks SIGTERM and SIGINT for all later ones),
// then Start, then RunUntilTerminated on the main thread.
class ServerRunner {
 public:
  explicit ServerRunner(ServerOptions options);
  ~ServerRunner();

  prometheus::Registry& metrics();
  // Where spans go; null without an endpoint. Whoever may outlive this holds it weakly.
  const std::shared_ptr<SpanExporter>& spans();

  // Binds and serves `services` (unowned) with health and reflection, large message limits and keep-alive. `credentials` decide who may
  // call what; null = plaintext, refused where CheckExposure (exposure.h) refuses it. Errors name the port.
  absl::Status Start(const std::vector<grpc::Service*>& services, std::shared_ptr<grpc::ServerCredentials> credentials = nullptr);
  int grpc_port() const;
  int metrics_port() const;
  std::string address() const;  // What others dial: advertise (or bind):grpc_port.

  // The truth about readiness: asked at each probe and every 200 ms for gRPC health; must not block. Ready means "would answer a
  // request now". Set before Start; without one, started is ready.
  void SetReadiness(std::function<absl::Status()> probe);
  // Calls that it refuses end with its status before any service sees them, reflection's too. Set before Start; without one, none is.
  void SetCallGuard(CallGuard guard);
  // Called once on SIGTERM or SIGINT, before servers stop: finish or move the work, return within the timeout.
  void SetDrain(std::function<void(absl::Duration timeout)> drain);

  // No new gRPC calls and connections, whose clients are told to go elsewhere; calls that are under way go on until Stop. For a drain whose
  // process nobody needs to call meanwhile. Idempotent.
  void StopAccepting();
  // Blocks until SIGTERM or SIGINT; then not ready, drain, stop. Returns the exit code.
  int RunUntilTerminated();
  // As a signal would, for tests.
  void RequestStop();
  // Stops all servers without draining; the destructor does too. After it no service is called. Idempotent.
  void Stop();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_COMMON_SERVER_RUNNER_H_
