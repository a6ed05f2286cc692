// baleen-gateway: the REST and gRPC edge.
#include <cstdlib>
#include <iostream>

#include "absl/flags/flag.h"
#include "services/common/server_runner.h"
#include "services/common/service_flags.h"
#include "services/gateway/gateway_server.h"

ABSL_FLAG(std::string, model, "", "directory of the checkpoint, in Hugging Face layout");
ABSL_FLAG(int, rest_port, 8080, "port of the REST API; 0 = any free one");
ABSL_FLAG(std::string, otlp_endpoint, "", "host:port of an OTLP receiver (gRPC) for traces; empty = none");
ABSL_FLAG(double, trace_sample, 0.01, "share of the requests without a traceparent header that are traced, 0 to 1");

int main(int argc, char** argv) {
  if (const absl::Status status = baleen::ParseServiceFlags(argc, argv, "gateway"); !status.ok()) {
    std::cerr << status.message() << "\n";
    return EXIT_FAILURE;
  }
  baleen::GatewayOptions options;
  options.server = baleen::ServerOptionsFromFlags("gateway");
  options.model_directory = absl::GetFlag(FLAGS_model);
  options.placement_address = absl::GetFlag(FLAGS_placement);
  options.failure_domain = absl::GetFlag(FLAGS_failure_domain);
  options.rest_port = absl::GetFlag(FLAGS_rest_port);
  options.otlp_endpoint = absl::GetFlag(FLAGS_otlp_endpoint);
  options.trace_sample = absl::GetFlag(FLAGS_trace_sample);
  auto server = baleen::GatewayServer::Start(options);
  if (!server.ok()) {
    std::cerr << "baleen-gateway: " << server.status().message() << "\n";
    return EXIT_FAILURE;
  }
  return (*server)->RunUntilTerminated();
}
