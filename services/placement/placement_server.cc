#include "services/placement/placement_server.h"

#include <optional>

#include "absl/strings/str_cat.h"
#include "base/clock.h"
#include "base/status_macros.h"
#include "services/common/server_runner.h"
#include "services/placement/background/liveness.h"
#include "services/placement/cluster.h"
#include "services/placement/placement_service.h"
#include "services/placement/probe.h"

namespace baleen {

struct PlacementServer::Impl {
  Impl(const ServerOptions& server, const ClusterOptions& cluster_options)
      : options(cluster_options),
        runner(server),
        probe(runner.metrics()),
        cluster(cluster_options, Clock::Real()),
        service(cluster, probe) {}

  const ClusterOptions options;
  ServerRunner runner;
  PlacementProbe probe;
  Cluster cluster;
  PlacementService service;
  std::optional<Liveness> liveness;
};

PlacementServer::PlacementServer(const ServerOptions& server, const ClusterOptions& cluster)
    : impl_(std::make_unique<Impl>(server, cluster)) {}

PlacementServer::~PlacementServer() { impl_->runner.Stop(); }

absl::Status PlacementServer::Start() {
  const ClusterOptions& options = impl_->options;
  if (options.expected_shards == 0 || options.expected_shards > kMaxShards) {
    return absl::InvalidArgumentError(absl::StrCat("--expected_shards=", options.expected_shards, " is outside 1..", kMaxShards));
  }
  if (options.replicas == 0 || options.replicas > options.expected_shards) {
    return absl::InvalidArgumentError(
        absl::StrCat("--replicas=", options.replicas, " is outside 1..", options.expected_shards, " (--expected_shards)"));
  }
  RETURN_IF_ERROR(impl_->runner.Start({&impl_->service}));
  impl_->liveness.emplace(impl_->cluster, impl_->probe);
  return absl::OkStatus();
}

std::string PlacementServer::address() const { return impl_->runner.address(); }

int PlacementServer::RunUntilTerminated() { return impl_->runner.RunUntilTerminated(); }

}  // namespace baleen
