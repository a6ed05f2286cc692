// The gateway process: REST and gRPC at the edge, placement's map inside.
#ifndef BALEEN_SERVICES_GATEWAY_GATEWAY_SERVER_H_
#define BALEEN_SERVICES_GATEWAY_GATEWAY_SERVER_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "services/common/pem_files.h"
#include "services/common/server_runner.h"
#include "services/gateway/guardrail/make_guard.h"

namespace baleen {

struct GatewayOptions {
  ServerOptions server;
  std::string model_directory;
  std::string placement_address;
  std::string failure_domain;
  int rest_port = 8080;
  std::string admin_bind = "127.0.0.1";
  int admin_port = 0;
  std::string tenants_file;                             // Who may call; empty = anybody.
  std::string allowed_origins;                          // Whose pages in browsers may call beside its own, comma-separated.
  std::string prices_file;                              // What tokens cost; empty = usage is in tokens alone.
  PemFiles edge_tls;                                    // Towards clients; without certificate, plain HTTP and gRPC.
  absl::Duration max_expected_wait = absl::Seconds(3);  // For a place in the cluster; beyond, requests are refused at once.
  double trace_sample = 0;                              // Share of the requests without a traceparent that begin a trace.
  GuardrailOptions guardrail;
};

class GatewayServer {
 public:
  // Serves as soon as it returns; ready once placement's map has a ready decode worker.
  static absl::StatusOr<std::unique_ptr<GatewayServer>> Start(const GatewayOptions& options);
  ~GatewayServer();

  int rest_port() const;
  int admin_port() const;
  ServerRunner& runner();
  // Until a signal; running requests are answered within the drain timeout.
  int RunUntilTerminated();

 private:
  struct Impl;
  explicit GatewayServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_GATEWAY_GATEWAY_SERVER_H_
