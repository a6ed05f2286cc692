#include "services/gateway/gateway_server.h"

#include <grpcpp/impl/service_type.h>

#include <algorithm>
#include <atomic>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "base/clock.h"
#include "base/status_macros.h"
#include "services/common/exposure.h"
#include "services/common/file_watcher.h"
#include "services/common/log.h"
#include "services/common/service_flags.h"
#include "services/common/timers.h"
#include "services/gateway/admin/admin_api.h"
#include "services/gateway/admission/admission.h"
#include "services/gateway/admission/cluster_capacity.h"
#include "services/gateway/api/served_model.h"
#include "services/gateway/cluster_view/cluster_feed.h"
#include "services/gateway/cluster_view/cluster_handler.h"
#include "services/gateway/generation/decode_stream.h"
#include "services/gateway/generation/quarantine.h"
#include "services/gateway/generation/worker_picker.h"
#include "services/gateway/grpc_inference.h"
#include "services/gateway/guardrail/make_guard.h"
#include "services/gateway/http/edge_tls.h"
#include "services/gateway/http/http_server.h"
#include "services/gateway/http/origin_guard.h"
#include "services/gateway/idempotency/idempotent_answer.h"
#include "services/gateway/probe.h"
#include "services/gateway/request_trace.h"
#include "services/gateway/rest/rest_api.h"
#include "services/gateway/resume/recall_client.h"
#include "services/gateway/resume/request_finder.h"
#include "services/gateway/tenants/tenant_directory.h"
#include "services/gateway/text_pool/text_pool.h"
#include "services/placement/placement_client.h"

namespace baleen {
namespace {

constexpr char kInferenceMethods[] = "/baleen.v1.Inference/";
constexpr char kHealthMethods[] = "/grpc.health.v1.Health/";
constexpr uint64_t kAdminBodyBytes = 16 << 10;
constexpr absl::Duration kTenantsPeriod = absl::Seconds(1);

// What a client's message may have, as over REST.
ServerOptions EdgeOptions(ServerOptions options) {
  options.max_receive_bytes = static_cast<int>(HttpServerOptions().body_limit_bytes);
  return options;
}

AdmissionLimits LimitsOf(const GatewayOptions& options) {
  AdmissionLimits limits;
  limits.max_expected_wait = options.max_expected_wait;
  return limits;
}

absl::Status CheckOptions(const GatewayOptions& options) {
  if (!(options.trace_sample >= 0 && options.trace_sample <= 1)) return absl::InvalidArgumentError("--trace_sample must be in [0, 1]");
  const absl::Duration most = AdmissionLimits().max_wait;
  if (options.max_expected_wait < absl::ZeroDuration() || options.max_expected_wait > most) {
    return absl::InvalidArgumentError(absl::StrCat("--max_expected_wait must be in [0, ", absl::FormatDuration(most), "]"));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::shared_ptr<EdgeTls>> LoadEdge(const PemFiles& files) {
  if (files.cert.empty() && files.key.empty()) return nullptr;
  if (files.cert.empty() || files.key.empty()) return absl::InvalidArgumentError("--edge_tls_cert and --edge_tls_key go together");
  return EdgeTls::Load(files, Clock::Real());
}

}  // namespace

struct GatewayServer::Impl {
  Impl(const GatewayOptions& options, std::unique_ptr<ServedModel> served)
      : credentials(options.server.credentials),
        runner(EdgeOptions(options.server)),
        probe(runner.metrics(), served->id, RequestTracer(runner.spans(), options.trace_sample)),
        model(std::move(served)),
        admission(std::make_unique<Admission>(LimitsOf(options), Clock::Real(), &runner.metrics())) {}

  // What may call back is silent before what it calls goes. Generations call all that moves them: timers, turns, workers, guards.
  ~Impl() {
    if (admin_http != nullptr) admin_http->Stop();
    if (http != nullptr) http->Stop();
    runner.Stop();  // Waits for its calls, which may wait for texts.
    texts.Stop();
    placement.reset();
    timers.Stop();
    admission->Stop();
    dialer->Shutdown();
    recall.reset();
    guard.reset();
  }

  GenerationContext Context() {
    return {.tokenizer = model->tokenizer.get(),
            .dialer = dialer.get(),
            .picker = &picker,
            .quarantine = &quarantine,
            .admission = admission.get(),
            .guard = guard.get(),
            .guard_fails_open = guard_fails_open,
            .recaller = recall.get(),
            .timers = &timers};
  }

  absl::Status Readiness() const { return picker.AnyReady() ? absl::OkStatus() : absl::UnavailableError("no decode worker is ready"); }

  // The inference service asks for keys by itself; whatever else gRPC serves is behind the guard.
  absl::Status OpenTenants(const GatewayOptions& options) {
    TenantDirectoryOptions directory;
    directory.path = options.tenants_file;
    directory.metrics = &runner.metrics();
    if (!options.prices_file.empty()) {
      ASSIGN_OR_RETURN(directory.prices, ReadPriceTable(options.prices_file));
    }
    ASSIGN_OR_RETURN(tenants, TenantDirectory::Open(std::move(directory)));
    if (!tenants->closed()) return absl::OkStatus();
    runner.SetCallGuard([this](const std::string& method, const std::string& authorization) {
      const bool open = absl::StartsWith(method, kInferenceMethods) || absl::StartsWith(method, kHealthMethods);
      return open ? absl::OkStatus() : tenants->Authenticate(authorization).status();
    });
    tenants_watcher = std::make_unique<FileWatcher>(tenants->path(), kTenantsPeriod, [this] { ReloadTenants(); });
    return absl::OkStatus();
  }

  void ReloadTenants() {
    const absl::Status status = tenants->Reload();
    if (status.ok()) return Log(LogLevel::kInfo, "tenants_reloaded");
    Log(LogLevel::kError, "tenants_not_reloaded", {{"status", std::string(status.message())}});
  }

  PortExposure ExposureOf(const GatewayOptions& options, const char* flag, const std::string& bind, const char* name) const {
    return {.flag = flag, .bind = bind, .encrypted = edge != nullptr, .allow_plaintext = options.server.allow_plaintext, .name = name};
  }

  absl::Status StartRest(const GatewayOptions& options) {
    RestApiOptions rest_options;
    rest_options.model = model.get();
    rest_options.generation = Context();
    rest_options.probe = &probe;
    rest_options.finder = &finder;
    rest_options.tenants = tenants.get();
    rest_options.cluster = &cluster;
    rest_options.texts = &texts;
    rest_options.idempotency = &idempotency;
    rest_options.origins.loopback_hosts = IsLoopbackHost(options.server.bind);
    ASSIGN_OR_RETURN(rest_options.origins.allowed, ParseOrigins(options.allowed_origins));
    rest_options.readiness = [this] { return Readiness(); };
    rest = std::make_unique<RestApi>(std::move(rest_options));
    RETURN_IF_ERROR(CheckExposure(ExposureOf(options, "--bind", options.server.bind, "REST")));
    HttpServerOptions http_options;
    http_options.bind = options.server.bind;
    http_options.port = options.rest_port;
    if (edge != nullptr) http_options.tls = [edge = edge] { return edge->Context(); };
    http = std::make_unique<HttpServer>(http_options, [this](HttpRequest request, std::shared_ptr<HttpResponder> responder) {
      rest->Handle(std::move(request), responder);
    });
    return http->Start();
  }

  absl::Status StartAdmin(const GatewayOptions& options) {
    RETURN_IF_ERROR(CheckAdminBind(options.admin_bind, tenants->closed()));
    RETURN_IF_ERROR(CheckExposure(ExposureOf(options, "--admin_bind", options.admin_bind, "admin")));
    AdminApiOptions admin_options;
    admin_options.tenants = tenants.get();
    admin_options.map = [this] { return placement->map(); };
    admin_options.activity = [this](std::function<void(absl::StatusOr<v1::Activity>)> done) { placement->GetActivity(std::move(done)); };
    admin_options.scale = [this](uint32_t shards, std::function<void(absl::Status)> done) { placement->SetScale(shards, std::move(done)); };
    admin_options.drain = [this] { runner.RequestStop(); };
    admin_options.drain_other = [this](const std::string& worker_id, std::function<void(absl::Status)> done) {
      placement->Drain(worker_id, std::move(done));
    };
    admin = std::make_unique<AdminApi>(std::move(admin_options));
    HttpServerOptions http_options;
    http_options.bind = options.admin_bind;
    http_options.port = options.admin_port;
    http_options.body_limit_bytes = kAdminBodyBytes;
    if (edge != nullptr) http_options.tls = [edge = edge] { return edge->Context(); };
    admin_http = std::make_unique<HttpServer>(
        http_options, [this](HttpRequest request, std::shared_ptr<HttpResponder> responder) { admin->Handle(request, responder); });
    RETURN_IF_ERROR(admin_http->Start());
    Log(LogLevel::kInfo, "serving_admin", {{"address", absl::StrCat(options.admin_bind, ":", admin_http->port())}});
    return absl::OkStatus();
  }

  void StartPlacement(const GatewayOptions& options) {
    PlacementClientOptions client;
    client.address = options.placement_address;
    client.credentials = credentials.ToRole(PeerRole::kPlacement);
    client.worker.set_worker_id(NewWorkerId("gateway"));
    client.worker.set_role(v1::ROLE_GATEWAY);
    client.worker.set_address(runner.address());
    client.worker.set_model_id(model->id);
    client.worker.set_failure_domain(options.failure_domain);
    client.report = [this](v1::HeartbeatRequest* heartbeat) {
      heartbeat->set_ready(Readiness().ok());
      const int64_t waiting = probe.waiting();
      heartbeat->set_running(static_cast<uint32_t>(std::max<int64_t>(probe.running() - waiting, 0)));
      heartbeat->set_waiting(static_cast<uint32_t>(waiting));
    };
    client.on_map = [this](std::shared_ptr<const v1::ClusterMap> map) {
      finder.UpdateMap(*map);
      const AdmissionCapacity capacity = ClusterCapacity(*map, admission->running());
      if (capacity.sequences > 0 && capacity.tokens > 0) admission->SetCapacity(capacity);
      picker.UpdateMap(std::move(map));
      probe.KvUsage(picker.KvUsage());
    };
    client.on_drain = [this] { runner.RequestStop(); };
    placement = std::make_unique<PlacementClient>(std::move(client));
    asked = placement.get();
  }

  ClusterFeedOptions FeedOptions() {
    ClusterFeedOptions feed_options;
    feed_options.model = model->id;
    feed_options.map = [this] {
      PlacementClient* const client = asked;
      return client == nullptr ? nullptr : client->map();
    };
    feed_options.activity = [this](std::function<void(absl::StatusOr<v1::Activity>)> done) {
      PlacementClient* const client = asked;
      client == nullptr ? done(absl::UnavailableError("the gateway is starting")) : client->GetActivity(std::move(done));
    };
    return feed_options;
  }

  // From the first byte of a request to the last one of its answer.
  bool Answering() { return http->connections() > 0 || *calls > 0 || probe.running() > 0; }

  void Drain(absl::Duration timeout) {
    http->StopAccepting();
    runner.StopAccepting();
    cluster.EndStreams();
    const absl::Time deadline = Clock::Real()->Now() + timeout;
    while (Answering() && Clock::Real()->Now() < deadline) absl::SleepFor(absl::Milliseconds(20));
    if (const absl::Status status = placement->Deregister(); !status.ok()) {
      Log(LogLevel::kWarning, "deregister_failed", {{"status", std::string(status.message())}});
    }
  }

  std::unique_ptr<TenantDirectory> tenants;  // Before what may ask it.
  const ClusterCredentials credentials;
  std::shared_ptr<EdgeTls> edge;  // Null without a certificate for clients.
  ServerRunner runner;
  GatewayProbe probe;
  const std::unique_ptr<ServedModel> model;
  WorkerPicker picker;
  Quarantine quarantine;
  std::unique_ptr<Admission> admission;
  StoppableTimers timers;
  std::unique_ptr<Guard> guard;  // Null = nothing is judged.
  bool guard_fails_open = false;
  std::unique_ptr<RecallClient> recall = MakeGrpcRecallClient(credentials.ToRole(PeerRole::kAttention));  // Generations ask it.
  std::unique_ptr<DecodeDialer> dialer = MakeGrpcDecodeDialer(credentials.ToRole(PeerRole::kAttention));
  RequestFinder finder{recall.get(), Clock::Real()};
  std::atomic<PlacementClient*> asked{nullptr};  // `placement`, once it is there.
  ClusterFeed feed{FeedOptions(), Clock::Real()};
  ClusterHandler cluster{&feed};
  IdempotencyKeys idempotency{IdempotencyLimits(), Clock::Real()};
  TextPool texts;
  const std::shared_ptr<std::atomic<int>> calls = std::make_shared<std::atomic<int>>(0);  // Of gRPC.
  std::unique_ptr<grpc::Service> inference;
  std::unique_ptr<RestApi> rest;
  std::unique_ptr<PlacementClient> placement;
  std::unique_ptr<HttpServer> http;
  std::unique_ptr<AdminApi> admin;
  std::unique_ptr<HttpServer> admin_http;
  std::unique_ptr<FileWatcher> tenants_watcher;
};

GatewayServer::GatewayServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
GatewayServer::~GatewayServer() = default;

absl::StatusOr<std::unique_ptr<GatewayServer>> GatewayServer::Start(const GatewayOptions& options) {
  RETURN_IF_ERROR(CheckOptions(options));
  ASSIGN_OR_RETURN(std::unique_ptr<ServedModel> model, ServedModel::Load(options.model_directory));
  auto impl = std::make_unique<Impl>(options, std::move(model));
  RETURN_IF_ERROR(impl->OpenTenants(options));
  GuardrailOptions guardrail = options.guardrail;
  guardrail.model = impl->model->id;
  guardrail.credentials = options.server.credentials;
  guardrail.allow_plaintext = options.server.allow_plaintext;
  ASSIGN_OR_RETURN(impl->guard, MakeGuard(guardrail, impl->runner.metrics()));
  impl->guard_fails_open = guardrail.fails_open();
  InferenceOptions inference;
  inference.model = impl->model.get();
  inference.generation = impl->Context();
  inference.probe = &impl->probe;
  inference.finder = &impl->finder;
  inference.tenants = impl->tenants.get();
  inference.texts = &impl->texts;
  inference.idempotency = &impl->idempotency;
  inference.calls = impl->calls;
  impl->inference = MakeInferenceService(std::move(inference));
  impl->runner.SetReadiness([raw = impl.get()] { return raw->Readiness(); });
  impl->runner.SetDrain([raw = impl.get()](absl::Duration timeout) { raw->Drain(timeout); });
  ASSIGN_OR_RETURN(impl->edge, LoadEdge(options.edge_tls));
  RETURN_IF_ERROR(impl->runner.Start({impl->inference.get()}, impl->edge != nullptr ? impl->edge->Grpc() : nullptr));
  RETURN_IF_ERROR(impl->StartRest(options));
  impl->StartPlacement(options);
  RETURN_IF_ERROR(impl->StartAdmin(options));
  return std::unique_ptr<GatewayServer>(new GatewayServer(std::move(impl)));
}

int GatewayServer::admin_port() const { return impl_->admin_http->port(); }
int GatewayServer::rest_port() const { return impl_->http->port(); }
ServerRunner& GatewayServer::runner() { return impl_->runner; }
int GatewayServer::RunUntilTerminated() { return impl_->runner.RunUntilTerminated(); }

}  // namespace baleen
