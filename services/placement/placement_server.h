// The placement process: state in memory, one gRPC service, background loops, leadership where there are several.
#ifndef BALEEN_SERVICES_PLACEMENT_PLACEMENT_SERVER_H_
#define BALEEN_SERVICES_PLACEMENT_PLACEMENT_SERVER_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "services/placement/cluster_state.h"
#include "services/placement/timing.h"

namespace baleen {

struct ServerOptions;

struct PlacementOptions {
  ClusterOptions cluster;
  absl::Duration rebalance_period = kRebalancePeriod;
  std::string etcd = {};  // host:port; empty = the only placement, with its state in memory alone.
};

// Construct before other threads start (see ServerRunner).
class PlacementServer {
 public:
  PlacementServer(const ServerOptions& server, const PlacementOptions& options);
  ~PlacementServer();

  // INVALID_ARGUMENT for a cluster that no plan fits; UNAVAILABLE when a port is taken.
  absl::Status Start();
  std::string address() const;
  // As ServerRunner's.
  int RunUntilTerminated();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_PLACEMENT_PLACEMENT_SERVER_H_
