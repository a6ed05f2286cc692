#include "tools/bench/remote_experts.h"

#include <grpcpp/security/credentials.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "base/status_macros.h"
#include "prometheus/registry.h"
#include "proto/baleen/v1/placement.pb.h"
#include "services/common/worker_transport.h"
#include "services/placement/placement_client.h"
#include "services/router/router.h"

namespace baleen {
namespace {

// Not ready: no gateway sends it anything.
v1::WorkerInfo Worker(const std::string& model_id, const ModelConfig& config, const Numerics& numerics) {
  v1::WorkerInfo worker;
  worker.set_worker_id("bench");
  worker.set_role(v1::ROLE_DECODE);
  worker.set_address("127.0.0.1:1");
  worker.set_model_id(model_id);
  worker.set_numerics_id(numerics.Id());
  worker.set_failure_domain("bench");
  worker.set_first_moe_layer(static_cast<uint32_t>(config.first_k_dense_replace));
  worker.set_moe_layers(static_cast<uint32_t>(config.moe_layers()));
  worker.set_experts(static_cast<uint32_t>(config.n_routed_experts));
  return worker;
}

}  // namespace

struct RemoteExperts::Impl {
  ~Impl() { transport->Shutdown(); }

  prometheus::Registry registry;
  std::unique_ptr<WorkerTransport> transport;
  std::unique_ptr<Connector> connector;
  std::unique_ptr<Router> router;
  std::unique_ptr<PlacementClient> placement;  // Last: its threads use the router.
};

RemoteExperts::RemoteExperts(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
RemoteExperts::~RemoteExperts() = default;

absl::StatusOr<std::unique_ptr<RemoteExperts>> RemoteExperts::Connect(const std::string& placement, const std::string& model_id,
                                                                      const ModelConfig& config, const Numerics& numerics,
                                                                      const std::string& transport, absl::Duration timeout) {
  auto impl = std::make_unique<Impl>();
  ASSIGN_OR_RETURN(impl->transport, WorkerTransport::Create({.transport = transport}, impl->registry));
  impl->connector = impl->transport->NewConnector(grpc::InsecureChannelCredentials());
  impl->router = std::make_unique<Router>(RouterOptions{.numerics_id = numerics.Id()}, impl->connector.get(), &impl->registry);
  PlacementClientOptions client;
  client.address = placement;
  client.worker = Worker(model_id, config, numerics);
  client.report = [](v1::HeartbeatRequest* heartbeat) { heartbeat->set_ready(false); };
  client.on_map = [router = impl->router.get()](std::shared_ptr<const v1::ClusterMap> map) { router->UpdateMap(std::move(map)); };
  impl->placement = std::make_unique<PlacementClient>(std::move(client));
  const absl::Time deadline = absl::Now() + timeout;
  for (;;) {
    const absl::Status ready =
        impl->router->Ready(static_cast<int>(config.first_k_dense_replace), config.moe_layers(), static_cast<int>(config.n_routed_experts));
    if (ready.ok()) break;
    if (absl::Now() > deadline) {
      return absl::DeadlineExceededError(absl::StrCat("experts at ", placement, ": ", ready.message()));
    }
    absl::SleepFor(absl::Milliseconds(20));
  }
  return std::unique_ptr<RemoteExperts>(new RemoteExperts(std::move(impl)));
}

ExpertBackend& RemoteExperts::backend() { return *impl_->router; }

}  // namespace baleen
