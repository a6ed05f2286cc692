#include "services/placement/placement_server.h"

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/clock.h"
#include "base/status_macros.h"
#include "services/common/server_runner.h"
#include "services/placement/access.h"
#include "services/placement/background/liveness.h"
#include "services/placement/background/rebalance.h"
#include "services/placement/cluster.h"
#include "services/placement/etcd/leadership.h"
#include "services/placement/office.h"
#include "services/placement/placement_service.h"
#include "services/placement/probe.h"

namespace baleen {

struct PlacementServer::Impl {
  Impl(const ServerOptions& server, const PlacementOptions& given)
      : options(given),
        credentials(server.credentials),
        runner(server),
        probe(runner.metrics()),
        cluster(given.cluster, Clock::Real()),
        service(
            cluster, probe, [this] { return Serves(); }, [this](auto done) { Store(std::move(done)); }, [this] { runner.RequestStop(); }) {}

  absl::Status Serves() const;
  absl::Status Ready() const;
  void Store(std::function<void(const absl::Status&)> done) const;

  const PlacementOptions options;
  const ClusterCredentials credentials;
  ServerRunner runner;
  PlacementProbe probe;
  Cluster cluster;
  PlacementService service;
  std::optional<Liveness> liveness;
  std::optional<Rebalancer> rebalancer;
  std::unique_ptr<Leadership> leadership;
  std::atomic<Leadership*> election{nullptr};  // The same, once it is there.
};

absl::Status PlacementServer::Impl::Serves() const {
  if (options.etcd.empty()) return absl::OkStatus();
  const Leadership* const elected = election;
  return elected == nullptr ? absl::UnavailableError("this placement is starting") : elected->Leads();
}

absl::Status PlacementServer::Impl::Ready() const {
  if (options.etcd.empty()) return absl::OkStatus();
  const Leadership* const elected = election;
  return elected == nullptr ? absl::UnavailableError("this placement is starting") : elected->Ready();
}

void PlacementServer::Impl::Store(std::function<void(const absl::Status&)> done) const {
  if (options.etcd.empty()) return done(absl::OkStatus());
  election.load()->Store(std::move(done));  // It serves, so that it is there.
}

PlacementServer::PlacementServer(const ServerOptions& server, const PlacementOptions& options)
    : impl_(std::make_unique<Impl>(server, options)) {}

PlacementServer::~PlacementServer() { impl_->runner.Stop(); }

absl::Status PlacementServer::Start() {
  const AssignmentOptions& options = impl_->options.cluster.assignment;
  if (options.expected_shards == 0 || options.expected_shards > kMaxShards) {
    return absl::InvalidArgumentError(absl::StrCat("--expected_shards=", options.expected_shards, " is outside 1..", kMaxShards));
  }
  if (options.replicas == 0 || options.replicas > options.expected_shards) {
    return absl::InvalidArgumentError(
        absl::StrCat("--replicas=", options.replicas, " is outside 1..", options.expected_shards, " (--expected_shards)"));
  }
  if (options.extra_slots > kMaxExperts) {
    return absl::InvalidArgumentError(absl::StrCat("--extra_slots=", options.extra_slots, " is outside 0..", kMaxExperts));
  }
  if (impl_->options.rebalance_period <= absl::ZeroDuration()) return absl::InvalidArgumentError("--rebalance_period_s must be positive");
  impl_->runner.SetReadiness([this] { return impl_->Ready(); });
  RETURN_IF_ERROR(impl_->runner.Start({&impl_->service}, impl_->credentials.Server(PlacementAccess())));
  if (const std::string& etcd = impl_->options.etcd; !etcd.empty()) {
    ElectionOptions election{.address = impl_->runner.address()};
    impl_->leadership = std::make_unique<Leadership>(etcd, std::move(election), MakeOffice(impl_->cluster), impl_->credentials.ToHost());
    impl_->election = impl_->leadership.get();
  }
  impl_->liveness.emplace(impl_->cluster, impl_->probe);
  impl_->rebalancer.emplace(impl_->cluster, impl_->probe, impl_->options.rebalance_period);
  return absl::OkStatus();
}

std::string PlacementServer::address() const { return impl_->runner.address(); }

int PlacementServer::RunUntilTerminated() { return impl_->runner.RunUntilTerminated(); }

}  // namespace baleen
