// baleen-gateway: the REST and gRPC edge.
#include <cstdlib>
#include <iostream>

#include "absl/flags/flag.h"
#include "services/common/server_runner.h"
#include "services/common/service_flags.h"
#include "services/gateway/gateway_server.h"

ABSL_FLAG(std::string, model, "", "directory of the checkpoint, in Hugging Face layout");
ABSL_FLAG(int, rest_port, 8080, "port of the REST API; 0 = any free one");

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
  auto server = baleen::GatewayServer::Start(options);
  if (!server.ok()) {
    std::cerr << "baleen-gateway: " << server.status().message() << "\n";
    return EXIT_FAILURE;
  }
  return (*server)->RunUntilTerminated();
}
