// The placement process: state in memory, one gRPC service, one background loop.
#ifndef BALEEN_SERVICES_PLACEMENT_PLACEMENT_SERVER_H_
#define BALEEN_SERVICES_PLACEMENT_PLACEMENT_SERVER_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "services/placement/cluster_state.h"

namespace baleen {

struct ServerOptions;

// Construct before other threads start (see ServerRunner).
class PlacementServer {
 public:
  PlacementServer(const ServerOptions& server, const ClusterOptions& cluster);
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
