#include "services/expert/expert_server.h"

#include <algorithm>
#include <atomic>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/clock.h"
#include "base/cores.h"
#include "base/status_macros.h"
#include "model/config/model_id.h"
#include "model/weights/shared_weights.h"
#include "services/common/device_failure.h"
#include "services/common/log.h"
#include "services/common/server_runner.h"
#include "services/common/service_flags.h"
#include "services/common/worker_transport.h"
#include "services/expert/access.h"
#include "services/expert/cpu_experts.h"
#include "services/expert/device_expert_loader.h"
#include "services/expert/expert_grpc.h"
#include "services/expert/expert_holder.h"
#include "services/expert/expert_service.h"
#include "services/expert/load_loop.h"
#include "services/placement/placement_client.h"

namespace baleen {

namespace {

// Of the drain's time, for answering what is queued after the last expert was handed over.
constexpr absl::Duration kAnswerTime = absl::Seconds(5);
constexpr int64_t kMostDeviceMib = int64_t{1} << 24;
// So that copies of one overlap the products of another.
constexpr int kDeviceComputations = 2;

absl::Status CheckOptions(const ExpertOptions& options) {
  RETURN_IF_ERROR(CheckWorkerOptions(options.worker));
  if (options.device_memory_mib < 0 || options.device_memory_mib > kMostDeviceMib) {
    return absl::InvalidArgumentError(absl::StrCat("--device_memory_mib=", options.device_memory_mib, ": expected 0 to ", kMostDeviceMib));
  }
  return absl::OkStatus();
}

}  // namespace

struct ExpertServer::Impl {
  Impl(const ServerOptions& server, const ExpertOptions& options_in)
      : runner(server), credentials(server.credentials), options(options_in), worker_id(NewWorkerId("expert")) {}
  ~Impl() { Stop(); }

  absl::Status Load();
  absl::Status MakeLoader();
  absl::Status Serve();
  void Register();
  absl::Status Ready() const;
  // As Ready, whatever placement makes of this shard.
  absl::Status CanServe() const;
  void Report(v1::HeartbeatRequest* heartbeat) const;
  void Drain(absl::Duration timeout);
  void CloseStreams();
  void Stop();

  ServerRunner runner;  // First: it blocks the signals before any thread starts.
  const ClusterCredentials credentials;
  const ExpertOptions options;
  const std::string worker_id;
  Numerics numerics;
  ModelConfig config;
  std::unique_ptr<Checkpoint> checkpoint;
  std::unique_ptr<ThreadPool> pool;               // On a CPU.
  std::unique_ptr<SharedWeights> shared_weights;  // On a CPU; may be null.
  std::unique_ptr<ExpertLoader> loader;
  std::unique_ptr<ExpertService> service;
  std::unique_ptr<ExpertHolder> holder;
  std::unique_ptr<LoadLoop> loads;
  std::unique_ptr<ExpertGrpc> grpc_service;
  std::unique_ptr<WorkerTransport> transport;
  std::unique_ptr<PlacementClient> placement;
  std::atomic<PlacementClient*> registered{nullptr};  // Set once `placement` may be called from other threads.
  std::atomic<bool> draining{false};
};

absl::Status ExpertServer::Impl::Load() {
  WorkerTransportOptions streams = options.worker.transport;
  streams.encryption_required = credentials.encrypted();
  ASSIGN_OR_RETURN(transport, WorkerTransport::Create(streams, runner.metrics()));
  ASSIGN_OR_RETURN(config, ModelConfig::Load(options.worker.model_directory));
  ASSIGN_OR_RETURN(numerics, ChooseNumerics(options.worker.device, options.worker.dtype, config));
  if (config.moe_layers() == 0)
    return absl::InvalidArgumentError(absl::StrCat(options.worker.model_directory, ": the model has no routed experts"));
  ASSIGN_OR_RETURN(checkpoint, Checkpoint::Open(options.worker.model_directory));
  RETURN_IF_ERROR(MakeLoader());
  ExpertServiceOptions service_options;
  service_options.shape = {
      .hidden = config.hidden_size, .experts = config.n_routed_experts, .dtype = numerics.activations(), .numerics_id = numerics.Id()};
  service_options.spans = runner.spans().get();
  if (numerics.on_gpu()) {
    service_options.computations = kDeviceComputations;
    service_options.on_failure = EndWithTheDevice;
  }
  service = std::make_unique<ExpertService>(service_options, Clock::Real(), &runner.metrics());
  holder = std::make_unique<ExpertHolder>(checkpoint.get(), &config, loader.get(), service.get());
  LoadLoopOptions loop;
  loop.load = [this](const std::vector<v1::ExpertRange>& ranges) { return holder->Assign(ranges); };
  loop.on_tried = [this] {
    if (PlacementClient* const client = registered) client->Nudge();
  };
  loads = std::make_unique<LoadLoop>(std::move(loop));
  return absl::OkStatus();
}

absl::Status ExpertServer::Impl::MakeLoader() {
  if (numerics.on_gpu()) {
    ASSIGN_OR_RETURN(loader, DeviceExpertLoader::Create(checkpoint.get(), &config, numerics,
                                                        {.computations = kDeviceComputations,
                                                         .max_slots = ExpertServiceOptions().max_merged_slots,
                                                         .most_bytes = options.device_memory_mib << 20}));
    return absl::OkStatus();
  }
  pool = std::make_unique<ThreadPool>(options.worker.threads > 0 ? options.worker.threads : AvailableCores());
  if (!options.worker.shared_weights.empty()) {
    ASSIGN_OR_RETURN(shared_weights, SharedWeights::Open(options.worker.shared_weights, *checkpoint, numerics));
  }
  loader = std::make_unique<CpuExpertLoader>(checkpoint.get(), &config, numerics, pool.get(), shared_weights.get());
  return absl::OkStatus();
}

absl::Status ExpertServer::Impl::Serve() {
  const AcceptFunction accept = [service = service.get()](std::shared_ptr<Connection> connection) {
    return service->Accept(std::move(connection));
  };
  grpc_service = std::make_unique<ExpertGrpc>(accept);
  transport->Serve(kExpertExchangeMethod, accept);
  std::vector<grpc::Service*> services = {grpc_service.get()};
  if (transport->control_service() != nullptr) services.push_back(transport->control_service());
  runner.SetReadiness([this] { return Ready(); });
  runner.SetDrain([this](absl::Duration timeout) { Drain(timeout); });
  return runner.Start(services, credentials.Server(ExpertAccess()));
}

void ExpertServer::Impl::Register() {
  PlacementClientOptions client;
  client.address = options.worker.placement_address;
  client.credentials = credentials.ToRole(PeerRole::kPlacement);
  v1::WorkerInfo& worker = client.worker;
  worker.set_worker_id(worker_id);
  worker.set_role(v1::ROLE_EXPERT);
  worker.set_address(runner.address());
  worker.set_numerics_id(numerics.Id());
  worker.set_model_id(ModelId(options.worker.model_directory));
  worker.set_failure_domain(options.worker.failure_domain.empty() ? worker_id : options.worker.failure_domain);
  worker.set_first_moe_layer(static_cast<uint32_t>(config.first_k_dense_replace));
  worker.set_moe_layers(static_cast<uint32_t>(config.moe_layers()));
  worker.set_experts(static_cast<uint32_t>(config.n_routed_experts));
  worker.set_expert_groups(static_cast<uint32_t>(config.n_group));
  client.report = [this](v1::HeartbeatRequest* heartbeat) { Report(heartbeat); };
  client.on_assignment = [this](const std::vector<v1::ExpertRange>& ranges) { loads->Assign(ranges); };
  client.on_drain = [this] { runner.RequestStop(); };
  placement = std::make_unique<PlacementClient>(std::move(client));
  registered = placement.get();
  // What was loaded before has not been reported.
  placement->Nudge();
}

absl::Status ExpertServer::Impl::Ready() const {
  RETURN_IF_ERROR(CanServe());
  const PlacementClient* const client = registered;
  return client != nullptr ? client->Standing() : absl::UnavailableError("starting");
}

absl::Status ExpertServer::Impl::CanServe() const {
  if (draining) return absl::UnavailableError("draining");
  return holder->Ready();
}

void ExpertServer::Impl::Report(v1::HeartbeatRequest* heartbeat) const {
  heartbeat->set_ready(CanServe().ok());
  heartbeat->set_draining(draining);
  heartbeat->set_waiting(static_cast<uint32_t>(service->queue_depth()));
  holder->Report(heartbeat);
  service->row_counter().Report(heartbeat);
}

void ExpertServer::Impl::Drain(absl::Duration timeout) {
  draining = true;
  // Goes on answering until its experts are loaded elsewhere.
  if (const absl::Status released = placement->AwaitRelease(std::max(timeout / 2, timeout - kAnswerTime)); !released.ok()) {
    Log(LogLevel::kWarning, "leaves_unreleased", {{"reason", std::string(released.message())}});
  }
  if (const absl::Status left = placement->Deregister(); !left.ok()) {
    Log(LogLevel::kWarning, "deregister_failed", {{"error", std::string(left.message())}});
  }
  service->Drain();
  CloseStreams();
}

void ExpertServer::Impl::CloseStreams() {
  if (grpc_service != nullptr) grpc_service->Shutdown();
  if (transport != nullptr) transport->Shutdown();
}

void ExpertServer::Impl::Stop() {
  CloseStreams();
  runner.Stop();                        // No probe asks for the standing any more,
  if (loads != nullptr) loads->Stop();  // and no load tells placement.
  registered = nullptr;
  placement.reset();
}

ExpertServer::ExpertServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ExpertServer::~ExpertServer() = default;

absl::StatusOr<std::unique_ptr<ExpertServer>> ExpertServer::Start(const ServerOptions& server, const ExpertOptions& options) {
  RETURN_IF_ERROR(CheckOptions(options));
  auto impl = std::make_unique<Impl>(server, options);
  RETURN_IF_ERROR(impl->Load());
  RETURN_IF_ERROR(impl->Serve());
  impl->Register();
  return std::unique_ptr<ExpertServer>(new ExpertServer(std::move(impl)));
}

std::string ExpertServer::address() const { return impl_->runner.address(); }
absl::Status ExpertServer::Ready() const { return impl_->Ready(); }
int ExpertServer::RunUntilTerminated() { return impl_->runner.RunUntilTerminated(); }
void ExpertServer::RequestStop() { impl_->runner.RequestStop(); }

}  // namespace baleen
