// baleen-placement: who holds which expert, and who is alive.
#include <cstdint>
#include <string>

#include "absl/flags/flag.h"
#include "services/common/log.h"
#include "services/common/server_runner.h"
#include "services/common/service_flags.h"
#include "services/placement/placement_server.h"
#include "services/placement/timing.h"

ABSL_FLAG(uint32_t, expected_shards, 1, "expert shards that share the experts; further ones are spares");
ABSL_FLAG(uint32_t, replicas, 1, "copies of each expert, on distinct shards");

int main(int argc, char** argv) {
  absl::Status status = baleen::ParseServiceFlags(argc, argv, "placement");
  if (status.ok()) {
    baleen::PlacementServer server(baleen::ServerOptionsFromFlags("placement"), {.expected_shards = absl::GetFlag(FLAGS_expected_shards),
                                                                                 .replicas = absl::GetFlag(FLAGS_replicas),
                                                                                 .heartbeat_timeout = baleen::kHeartbeatTimeout});
    status = server.Start();
    if (status.ok()) return server.RunUntilTerminated();
  }
  baleen::Log(baleen::LogLevel::kError, "cannot_start", {{"reason", std::string(status.message())}});
  return 1;
}
