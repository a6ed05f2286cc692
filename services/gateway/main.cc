// baleen-gateway: the REST and gRPC edge.
#include <memory>
#include <string>

#include "absl/flags/flag.h"
#include "absl/time/time.h"
#include "base/status_macros.h"
#include "services/common/exit_code.h"
#include "services/common/server_runner.h"
#include "services/common/service_flags.h"
#include "services/gateway/gateway_server.h"

ABSL_FLAG(std::string, model, "", "directory of the checkpoint, in Hugging Face layout");
ABSL_FLAG(int, rest_port, 8080, "port of the REST API; 0 = any free one");
ABSL_FLAG(int, admin_port, 0, "port of the admin API; 0 = any free one");
ABSL_FLAG(std::string, admin_bind, "127.0.0.1", "address that the admin API listens on; without --tenants a loopback one");
ABSL_FLAG(std::string, tenants, "", "JSON file of tenants and their keys, read again when it changes; empty = no key is asked for");
ABSL_FLAG(
    std::string, allowed_origins, "",
    "origins whose pages in browsers may use the REST API, as https://HOST or https://HOST:PORT, comma-separated; empty = its own page");
ABSL_FLAG(std::string, prices, "", "JSON file of prices per million tokens, for usage in money; empty = in tokens alone");
ABSL_FLAG(std::string, edge_tls_cert, "",
          "PEM file of the certificate for REST and gRPC clients, read again when it is replaced; empty = plain HTTP");
ABSL_FLAG(std::string, edge_tls_key, "", "its private key");
ABSL_FLAG(absl::Duration, max_expected_wait, absl::Seconds(3),
          "requests that would wait longer for a place in the cluster are refused at once, up to 30s");
ABSL_FLAG(double, trace_sample, 0.01, "share of the requests without a traceparent header that are traced, 0 to 1");
ABSL_FLAG(std::string, guardrail, "off", "what judges prompts and output: off, builtin, or host:port of a baleen.v1.Guardrail");
ABSL_FLAG(std::string, guardrail_ca, "", "PEM file of the authorities that the guardrail service's certificate is held to; empty = no TLS");
ABSL_FLAG(std::string, guardrail_policy, "", "policy file of --guardrail=builtin; empty = the one that ships");
ABSL_FLAG(std::string, guardrail_failure, "closed",
          "what happens to text that a failing guardrail did not judge: closed ends, open delivers");
ABSL_FLAG(absl::Duration, guardrail_timeout, absl::Seconds(1), "after which a check counts as failed, 1ms to 1m");

namespace baleen {
namespace {

GatewayOptions OptionsFromFlags(const ServerOptions& server) {
  GatewayOptions options;
  options.server = server;
  options.model_directory = absl::GetFlag(FLAGS_model);
  options.placement_address = absl::GetFlag(FLAGS_placement);
  options.failure_domain = absl::GetFlag(FLAGS_failure_domain);
  options.rest_port = absl::GetFlag(FLAGS_rest_port);
  options.admin_port = absl::GetFlag(FLAGS_admin_port);
  options.admin_bind = absl::GetFlag(FLAGS_admin_bind);
  options.tenants_file = absl::GetFlag(FLAGS_tenants);
  options.allowed_origins = absl::GetFlag(FLAGS_allowed_origins);
  options.prices_file = absl::GetFlag(FLAGS_prices);
  options.edge_tls = {.ca = "", .cert = absl::GetFlag(FLAGS_edge_tls_cert), .key = absl::GetFlag(FLAGS_edge_tls_key)};
  options.max_expected_wait = absl::GetFlag(FLAGS_max_expected_wait);
  options.trace_sample = absl::GetFlag(FLAGS_trace_sample);
  options.guardrail.guardrail = absl::GetFlag(FLAGS_guardrail);
  options.guardrail.ca = absl::GetFlag(FLAGS_guardrail_ca);
  options.guardrail.policy_path = absl::GetFlag(FLAGS_guardrail_policy);
  options.guardrail.failure = absl::GetFlag(FLAGS_guardrail_failure);
  options.guardrail.timeout = absl::GetFlag(FLAGS_guardrail_timeout);
  return options;
}

absl::StatusOr<int> Serve(int argc, char** argv) {
  RETURN_IF_ERROR(ParseServiceFlags(argc, argv, "gateway"));
  ASSIGN_OR_RETURN(const ServerOptions server_options, ServerOptionsFromFlags("gateway", PeerRole::kGateway));
  ASSIGN_OR_RETURN(const std::unique_ptr<GatewayServer> server, GatewayServer::Start(OptionsFromFlags(server_options)));
  return server->RunUntilTerminated();
}

}  // namespace
}  // namespace baleen

int main(int argc, char** argv) { return baleen::ExitCode(baleen::Serve(argc, argv)); }
