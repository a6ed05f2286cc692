// baleen-placement: who holds which expert, and who is alive.
#include <cstdint>
#include <string>

#include "absl/flags/flag.h"
#include "base/status_macros.h"
#include "services/common/exit_code.h"
#include "services/common/server_runner.h"
#include "services/common/service_flags.h"
#include "services/placement/placement_server.h"
#include "services/placement/timing.h"

ABSL_FLAG(uint32_t, expected_shards, 1, "expert shards that share the experts at the start; more may come and any may leave later");
ABSL_FLAG(uint32_t, replicas, 1, "copies of each expert, on distinct failure domains");
ABSL_FLAG(uint32_t, extra_slots, 0, "experts of each layer that a shard holds beyond its even part: copies of hot ones");
ABSL_FLAG(double, rebalance_period_s, 30, "how often experts are moved to even out measured load");
ABSL_FLAG(std::string, etcd, "",
          "host:port of etcd's members, parted by commas, which two or more placements share; empty = the only placement");

namespace baleen {
namespace {

PlacementOptions OptionsFromFlags() {
  PlacementOptions options;
  options.cluster.assignment.expected_shards = absl::GetFlag(FLAGS_expected_shards);
  options.cluster.assignment.replicas = absl::GetFlag(FLAGS_replicas);
  options.cluster.assignment.extra_slots = absl::GetFlag(FLAGS_extra_slots);
  options.cluster.heartbeat_timeout = kHeartbeatTimeout;
  options.rebalance_period = absl::Seconds(absl::GetFlag(FLAGS_rebalance_period_s));
  options.etcd = absl::GetFlag(FLAGS_etcd);
  return options;
}

absl::StatusOr<int> Serve(int argc, char** argv) {
  RETURN_IF_ERROR(ParseServiceFlags(argc, argv, "placement"));
  ASSIGN_OR_RETURN(const ServerOptions options, ServerOptionsFromFlags("placement", PeerRole::kPlacement));
  PlacementServer server(options, OptionsFromFlags());
  RETURN_IF_ERROR(server.Start());
  return server.RunUntilTerminated();
}

}  // namespace
}  // namespace baleen

int main(int argc, char** argv) { return baleen::ExitCode(baleen::Serve(argc, argv)); }
