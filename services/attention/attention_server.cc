#include "services/attention/attention_server.h"

#include <algorithm>
#include <atomic>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/clock.h"
#include "base/dtype.h"
#include "base/status_macros.h"
#include "base/thread_pool.h"
#include "kernels/mla_attention.h"
#include "proto/baleen/v1/placement.pb.h"
#include "services/attention/access.h"
#include "services/attention/decode/decode_service.h"
#include "services/attention/decode/resume_table.h"
#include "services/attention/decode/standby_copies.h"
#include "services/attention/decode/successor.h"
#include "services/attention/kv_transfer_service.h"
#include "services/attention/loaded_model.h"
#include "services/attention/prefill/fill_client.h"
#include "services/attention/prefill/prefill_coordinator.h"
#include "services/attention/prefill/prefill_picker.h"
#include "services/attention/prefill/prefill_service.h"
#include "services/attention/probe.h"
#include "services/attention/worker/engine_runner.h"
#include "services/attention/worker/step_loop.h"
#include "services/common/device_failure.h"
#include "services/common/log.h"
#include "services/common/server_runner.h"
#include "services/common/service_flags.h"
#include "services/common/worker_transport.h"
#include "services/kv/cache/block_pool.h"
#include "services/kv/transfer/block_copier.h"
#include "services/kv/transfer/block_copy.h"
#include "services/kv/transfer/block_copy_receiver.h"
#include "services/kv/transfer/kv_receiver.h"
#include "services/kv/transfer/kv_sender.h"
#include "services/kv/transfer/reservation_table.h"
#include "services/placement/placement_client.h"
#include "services/router/router.h"
#include "transport/transport.h"

namespace baleen {
namespace {

// What of the drain timeout is kept for closing streams and servers.
constexpr absl::Duration kCloseTime = absl::Seconds(3);
constexpr int64_t kSeqsPerThread = 16;

v1::Role ToWire(AttentionRole role) {
  return role == AttentionRole::kPrefill  ? v1::ROLE_PREFILL
         : role == AttentionRole::kDecode ? v1::ROLE_DECODE
                                          : v1::ROLE_PREFILL_AND_DECODE;
}

const char* NameOfRole(AttentionRole role) {
  return role == AttentionRole::kPrefill ? "prefill" : role == AttentionRole::kDecode ? "decode" : "attention";
}

// Sequences that a step has rows for, beside prefill.
int64_t MaxRunning(const AttentionOptions& options) { return options.max_batch_tokens / 2; }

// A CPU's step takes little longer up to so many rows a thread, and in proportion beyond: more sequences only wait for each other.
int64_t MaxNumSeqs(const AttentionOptions& options, int threads) {
  if (options.max_num_seqs > 0) return options.max_num_seqs;
  return options.worker.device == Device::kCpu ? std::min<int64_t>(kSeqsPerThread * threads, MaxRunning(options)) : MaxRunning(options);
}

absl::Status CheckOptions(const AttentionOptions& options) {
  RETURN_IF_ERROR(CheckWorkerOptions(options.worker));
  if (options.kv_mib < 1 || options.kv_mib > (int64_t{1} << 30)) return absl::InvalidArgumentError("--kv_mib is out of range");
  if (options.max_batch_tokens < 2 || options.max_batch_tokens > 65536) {
    return absl::InvalidArgumentError("--max_batch_tokens must be in [2, 65536]");
  }
  if (options.max_num_seqs < 0 || options.max_num_seqs > MaxRunning(options)) {
    return absl::InvalidArgumentError(absl::StrCat("--max_num_seqs must be in [0, ", MaxRunning(options), "], half of --max_batch_tokens"));
  }
  if (options.prefill_chunk < 1) return absl::InvalidArgumentError("--prefill_chunk must be at least 1");
  if (options.trace_layer_steps < 0) return absl::InvalidArgumentError("--trace_layer_steps must be at least 0");
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<AttentionRole> ParseAttentionRole(absl::string_view name) {
  if (name == "prefill") return AttentionRole::kPrefill;
  if (name == "decode") return AttentionRole::kDecode;
  if (name == "both") return AttentionRole::kBoth;
  return absl::InvalidArgumentError(absl::StrCat("--role=", name, ": expected prefill, decode or both"));
}

struct AttentionServer::Impl {
  Impl(const ServerOptions& server, const AttentionOptions& options_in)
      : runner(server),
        credentials(server.credentials),
        options(options_in),
        worker_id(NewWorkerId(NameOfRole(options_in.role))),
        probe(runner.metrics()) {}
  ~Impl() {
    StopWork();
    runner.Stop();
    placement.reset();
  }

  bool decodes() const { return options.role != AttentionRole::kPrefill; }
  bool fills() const { return options.role != AttentionRole::kDecode; }

  absl::Status Load();
  void MakeLoop();
  void MakeDecode();
  void MakePrefill();
  absl::Status Serve();
  void Register();
  absl::Status Readiness() const;
  // As Readiness, whatever placement makes of this worker.
  absl::Status CanServe() const;
  void Report(v1::HeartbeatRequest* heartbeat);
  void Drain(absl::Duration timeout);
  void StopWork();

  ServerRunner runner;  // First: it blocks the signals before any thread starts.
  const ClusterCredentials credentials;
  const AttentionOptions options;
  const std::string worker_id;
  AttentionProbe probe;
  std::unique_ptr<LoadedModel> model;
  std::unique_ptr<BlockPool> blocks;
  std::unique_ptr<WorkerTransport> transport;
  std::unique_ptr<Connector> expert_connector;
  std::unique_ptr<Connector> kv_connector;
  std::unique_ptr<Router> router;
  std::unique_ptr<EngineRunner> engine_runner;
  std::unique_ptr<PrefillPicker> picker;
  std::unique_ptr<ReservationTable> reservations;
  // Behind what its last callbacks use, which it waits for.
  GrpcFillClient fill_client{credentials.ToRole(PeerRole::kAttention)};
  std::unique_ptr<PrefillCoordinator> coordinator;
  std::unique_ptr<KvSender> sender;
  std::unique_ptr<BlockCopier> copier;
  std::unique_ptr<StandbyCopies> standby;  // Null = no copies.
  ResumeTable resume{{}, Clock::Real()};
  std::unique_ptr<StepLoop> loop;
  std::unique_ptr<KvTransferService> kv_service;
  std::unique_ptr<DecodeService> decode_service;
  std::unique_ptr<PrefillService> prefill_service;
  std::unique_ptr<PlacementClient> placement;
  std::atomic<const PlacementClient*> registrar{nullptr};  // `placement`, for probes, which may come before it.
  std::atomic<bool> draining{false};
};

absl::Status AttentionServer::Impl::Load() {
  RETURN_IF_ERROR(CheckOptions(options));
  WorkerTransportOptions streams = options.worker.transport;
  streams.encryption_required = credentials.encrypted();
  ASSIGN_OR_RETURN(transport, WorkerTransport::Create(streams, runner.metrics()));
  expert_connector = transport->NewConnector(credentials.ToRole(PeerRole::kExpert));
  kv_connector = transport->NewConnector(credentials.ToRole(PeerRole::kAttention));
  ASSIGN_OR_RETURN(model, LoadModel({.directory = options.worker.model_directory,
                                     .device = options.worker.device,
                                     .dtype = options.worker.dtype,
                                     .threads = options.worker.threads,
                                     .max_batch_tokens = options.max_batch_tokens,
                                     .ping_pong_rows = options.ping_pong_rows,
                                     .tensor_parallel = options.tensor_parallel,
                                     .on_device_failure = EndWithTheDevice,
                                     .shared_weights = options.worker.shared_weights,
                                     .mtp = options.mtp,
                                     .mtp_experts = decodes()}));
  blocks = model->engine->NewKvPool(options.kv_mib << 20);
  if (blocks->total_blocks() == 0) return absl::InvalidArgumentError(absl::StrCat("--kv_mib=", options.kv_mib, " holds no KV block"));
  router = std::make_unique<Router>(RouterOptions{.numerics_id = model->limits.numerics_id}, expert_connector.get(), &runner.metrics());
  engine_runner = std::make_unique<EngineRunner>(model->engine.get(), router.get(), model->mtp_experts.get(), runner.spans().get());
  picker = std::make_unique<PrefillPicker>(worker_id, model->id, model->limits.numerics_id, Clock::Real());
  Log(LogLevel::kInfo, "model_loaded",
      {{"model", model->id}, {"numerics", model->limits.numerics_id}, {"kv_blocks", absl::StrCat(blocks->total_blocks())}});
  return absl::OkStatus();
}

void AttentionServer::Impl::MakeLoop() {
  if (decodes()) {
    reservations = std::make_unique<ReservationTable>(blocks.get(), static_cast<int>(model->config.num_hidden_layers));
    coordinator = std::make_unique<PrefillCoordinator>(PrefillCoordinatorOptions{.local_prefill_tokens = options.local_prefill_tokens,
                                                                                 .kv_address = [this] { return runner.address(); },
                                                                                 .numerics_id = model->limits.numerics_id,
                                                                                 .kv_layers = blocks->shape().layers},
                                                       picker.get(), &fill_client, reservations.get(), &probe, Clock::Real());
  }
  if (decodes() && options.kv_standby && options.prefix_cache) {
    copier = std::make_unique<BlockCopier>(kv_connector.get(), blocks.get(), Clock::Real(), [this](bool kept) { probe.BlockCopied(kept); });
    standby = std::make_unique<StandbyCopies>(worker_id, model->limits.numerics_id, copier.get());
  }
  StepLoopOptions loop_options;
  loop_options.limits = {
      .max_batch_tokens = options.max_batch_tokens,
      .prefill_chunk = options.prefill_chunk,
      .max_running = MaxRunning(options),
      .prefix_cache = options.prefix_cache,
      .numerics_id = model->limits.numerics_id,
  };
  loop_options.tokenizer_size = model->limits.tokenizer_size;
  loop_options.trace_layer_steps = runner.spans() == nullptr ? 0 : options.trace_layer_steps;
  loop =
      std::make_unique<StepLoop>(loop_options, engine_runner.get(), blocks.get(), coordinator.get(), &probe, Clock::Real(), standby.get());
}

void AttentionServer::Impl::MakeDecode() {
  const AcceptFunction accept_pushes = AcceptKvPushes(reservations.get(), [this](size_t bytes) { probe.PageReceived(bytes); });
  const AcceptFunction accept_copies = AcceptKvCopies(options.prefix_cache ? blocks.get() : nullptr);
  kv_service = std::make_unique<KvTransferService>(accept_pushes, accept_copies);
  transport->Serve(kKvPushMethod, accept_pushes);
  transport->Serve(kKvCopyMethod, accept_copies);
  decode_service = std::make_unique<DecodeService>(model->limits, loop.get(), Clock::Real(), &resume, runner.spans().get());
}

void AttentionServer::Impl::MakePrefill() {
  sender = std::make_unique<KvSender>(KvSenderOptions{}, kv_connector.get(), blocks.get());
  prefill_service = std::make_unique<PrefillService>(FillCallContext{.limits = model->limits,
                                                                     .loop = loop.get(),
                                                                     .sender = sender.get(),
                                                                     .probe = &probe,
                                                                     .row_bytes = blocks->shape().RowBytes(),
                                                                     .clock = Clock::Real(),
                                                                     .spans = runner.spans().get()});
}

absl::Status AttentionServer::Impl::Serve() {
  std::vector<grpc::Service*> services;
  if (decodes()) {
    MakeDecode();
    services.push_back(decode_service.get());
    services.push_back(kv_service.get());
  }
  if (fills()) {
    MakePrefill();
    services.push_back(prefill_service.get());
  }
  if (transport->control_service() != nullptr) services.push_back(transport->control_service());
  runner.SetReadiness([this] { return Readiness(); });
  runner.SetDrain([this](absl::Duration timeout) { Drain(timeout); });
  return runner.Start(services, credentials.Server(AttentionAccess()));
}

void AttentionServer::Impl::Register() {
  PlacementClientOptions client;
  client.address = options.worker.placement_address;
  client.credentials = credentials.ToRole(PeerRole::kPlacement);
  v1::WorkerInfo& worker = client.worker;
  worker.set_worker_id(worker_id);
  worker.set_role(ToWire(options.role));
  worker.set_address(runner.address());
  worker.set_numerics_id(model->limits.numerics_id);
  worker.set_model_id(model->id);
  worker.set_failure_domain(options.worker.failure_domain);
  if (decodes()) {
    worker.set_kv_capacity_tokens(static_cast<uint64_t>(blocks->total_blocks() * kKvBlockTokens));
    worker.set_max_num_seqs(static_cast<uint32_t>(MaxNumSeqs(options, model->pool->threads())));
  }
  worker.set_first_moe_layer(static_cast<uint32_t>(model->config.first_k_dense_replace));
  worker.set_moe_layers(static_cast<uint32_t>(model->config.moe_layers()));
  worker.set_experts(static_cast<uint32_t>(model->config.n_routed_experts));
  client.report = [this](v1::HeartbeatRequest* heartbeat) { Report(heartbeat); };
  client.on_map = [this](std::shared_ptr<const v1::ClusterMap> map) {
    picker->Update(*map);
    if (standby != nullptr) standby->UpdateMap(map);
    router->UpdateMap(std::move(map));
  };
  client.on_drain = [this] { runner.RequestStop(); };
  placement = std::make_unique<PlacementClient>(std::move(client));
  registrar = placement.get();
}

absl::Status AttentionServer::Impl::Readiness() const {
  RETURN_IF_ERROR(CanServe());
  const PlacementClient* const client = registrar;
  return client != nullptr ? client->Standing() : absl::UnavailableError("starting");
}

absl::Status AttentionServer::Impl::CanServe() const {
  if (draining) return absl::UnavailableError("draining");
  if (model->config.moe_layers() == 0) return absl::OkStatus();
  return router->Ready(static_cast<int>(model->config.first_k_dense_replace), model->config.moe_layers(),
                       static_cast<int>(model->config.n_routed_experts));
}

void AttentionServer::Impl::Report(v1::HeartbeatRequest* heartbeat) {
  resume.Sweep();  // Heartbeats are frequent against the window.
  const StepLoopLoad load = loop->load();
  heartbeat->set_ready(CanServe().ok());
  heartbeat->set_draining(draining);
  heartbeat->set_running(static_cast<uint32_t>(load.running));
  heartbeat->set_waiting(static_cast<uint32_t>(load.waiting));
  heartbeat->set_kv_usage(load.kv_usage);
  const StepLoopCounts counts = loop->counts();
  v1::AttentionActivity* activity = heartbeat->mutable_attention();
  activity->set_steps(static_cast<uint64_t>(counts.steps));
  activity->set_step_rows(static_cast<uint64_t>(counts.rows));
  activity->set_generated_tokens(static_cast<uint64_t>(counts.generated_tokens));
  activity->set_kv_blocks_total(static_cast<uint64_t>(blocks->total_blocks()));
  activity->set_kv_blocks_used(static_cast<uint64_t>(blocks->total_blocks() - blocks->free_blocks()));
  activity->set_kv_blocks_cached(static_cast<uint64_t>(blocks->cached_blocks()));
  // Once: PlacementClient keeps them.
  for (const TensorDigestEntry& entry : std::exchange(model->digests, {})) {
    v1::TensorDigest* digest = heartbeat->add_digests();
    digest->set_name(entry.name);
    digest->set_digest(entry.digest);
  }
}

void AttentionServer::Impl::Drain(absl::Duration timeout) {
  draining = true;
  const absl::Time deadline = Clock::Real()->Now() + timeout - kCloseTime;
  if (const absl::Status left = placement->Deregister(); !left.ok()) {
    Log(LogLevel::kWarning, "deregister_failed", {{"error", std::string(left.message())}});
  }
  loop->StopAdmitting();
  // Gateways go on with them elsewhere; where nobody else could, they end here.
  const std::shared_ptr<const v1::ClusterMap> map = placement->map();
  if (map != nullptr && HasSuccessor(*map, worker_id, model->limits.numerics_id)) loop->LetGo();
  if (!loop->WaitIdle(std::max(deadline - Clock::Real()->Now(), absl::ZeroDuration()))) {
    Log(LogLevel::kWarning, "sequences_left", {{"running", absl::StrCat(loop->load().running)}});
  }
  StopWork();
}

// Ends the streams that a gRPC server's shutdown would wait for.
void AttentionServer::Impl::StopWork() {
  if (loop != nullptr) loop->Stop();
  if (kv_service != nullptr) kv_service->Shutdown();
  if (transport != nullptr) transport->Shutdown();
}

AttentionServer::AttentionServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
AttentionServer::~AttentionServer() = default;

absl::StatusOr<std::unique_ptr<AttentionServer>> AttentionServer::Start(const ServerOptions& server, const AttentionOptions& options) {
  auto impl = std::make_unique<Impl>(server, options);
  RETURN_IF_ERROR(impl->Load());
  impl->MakeLoop();
  RETURN_IF_ERROR(impl->Serve());
  impl->Register();
  return std::unique_ptr<AttentionServer>(new AttentionServer(std::move(impl)));
}

ServerRunner& AttentionServer::runner() { return impl_->runner; }
int AttentionServer::RunUntilTerminated() { return impl_->runner.RunUntilTerminated(); }

}  // namespace baleen
