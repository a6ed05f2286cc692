#include "services/common/server_runner.h"

#include <grpc/grpc.h>
#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/health_check_service_interface.h>
#include <prometheus/text_serializer.h>

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <sstream>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "absl/time/time.h"
#include "services/common/exposure.h"
#include "services/common/log.h"
#include "services/common/log_level_file.h"
#include "services/common/metrics_server.h"
#include "services/common/process_metrics.h"
#include "services/common/revoked_callers.h"
#include "services/common/span_exporter.h"
#include "services/common/termination.h"

namespace baleen {
namespace {

constexpr auto kHealthPeriod = std::chrono::milliseconds(200);
// What drain leaves open (map watches, idle streams) is cut after this long.
constexpr absl::Duration kShutdownGrace = absl::Milliseconds(500);

void EnablePlugins() {
  static std::once_flag once;
  std::call_once(once, [] {
    grpc::EnableDefaultHealthCheckService(true);
    grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  });
}

void Configure(const ServerOptions& options, grpc::ServerBuilder& builder) {
  builder.SetMaxReceiveMessageSize(options.max_receive_bytes);
  builder.SetMaxSendMessageSize(kMaxMessageBytes);
  // Two processes on one port would split each other's calls without an error.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, 10000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 5000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 1000);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MAX_PING_STRIKES, 0);
}

HttpPage StatusPage(const absl::Status& status) {
  HttpPage page;
  page.status = status.ok() ? 200 : 503;
  page.body = status.ok() ? "ok\n" : absl::StrCat(status.message(), "\n");
  return page;
}

}  // namespace

struct ServerRunner::Impl {
  explicit Impl(ServerOptions given) : options(std::move(given)), pages(MakePages()) {
    if (!options.log_level_file.empty()) log_level.emplace(options.log_level_file);
    if (options.otlp_endpoint.empty()) return;
    SpanExporterOptions exporter;
    exporter.endpoint = options.otlp_endpoint;
    exporter.credentials = options.otlp_credentials;
    exporter.service = absl::StrCat("baleen-", options.role);
    spans = std::make_shared<SpanExporter>(exporter, registry);
  }

  HttpPages MakePages() {
    return {{"/metrics", [this] { return MetricsPage(); }},
            {"/livez", [] { return StatusPage(absl::OkStatus()); }},
            {"/readyz", [this] { return StatusPage(Readiness()); }}};
  }

  HttpPage MetricsPage() {
    std::ostringstream text;
    std::vector<prometheus::MetricFamily> families = registry.Collect();
    for (prometheus::MetricFamily& family : CollectProcessMetrics(Readiness().ok())) families.push_back(std::move(family));
    prometheus::TextSerializer().Serialize(text, families);
    return {200, "text/plain; version=0.0.4; charset=utf-8", text.str()};
  }

  absl::Status Readiness() {
    std::function<absl::Status()> ask;
    {
      std::lock_guard lock(mutex);
      if (!started) return absl::UnavailableError("starting");
      if (stopping) return absl::UnavailableError("stopping");
      ask = probe;
    }
    return ask ? ask() : absl::OkStatus();
  }

  // Keeps gRPC health equal to readiness until the servers stop.
  void HealthLoop() {
    std::unique_lock lock(mutex);
    while (!closed) {
      lock.unlock();
      grpc_server->GetHealthCheckService()->SetServingStatus(Readiness().ok());
      lock.lock();
      wake.wait_for(lock, kHealthPeriod, [this] { return closed || health_due; });
      health_due = false;
    }
  }

  std::vector<std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface>> TakeInterceptors() {
    std::vector<std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface>> interceptors;
    if (guard) interceptors.push_back(MakeCallGuard(std::move(guard)));
    if (options.credentials.revoked() != nullptr) interceptors.push_back(CutRevokedCallers(options.credentials.revoked()));
    return interceptors;
  }

  absl::Status StartGrpc(const std::vector<grpc::Service*>& services, std::shared_ptr<grpc::ServerCredentials> credentials) {
    if (options.grpc_port < 0 || options.grpc_port > 65535) {
      return absl::InvalidArgumentError(absl::StrCat("gRPC port ", options.grpc_port, " is outside 0..65535"));
    }
    const bool encrypted = credentials != nullptr;
    const PortExposure port{.bind = options.bind, .encrypted = encrypted, .allow_plaintext = options.allow_plaintext, .name = "gRPC"};
    if (absl::Status status = CheckExposure(port); !status.ok()) return status;
    EnablePlugins();
    grpc::ServerBuilder builder;
    Configure(options, builder);
    const std::string endpoint = absl::StrCat(options.bind, ":", options.grpc_port);
    builder.AddListeningPort(endpoint, encrypted ? credentials : grpc::InsecureServerCredentials(), &grpc_port);
    for (grpc::Service* service : services) builder.RegisterService(service);
    builder.experimental().SetInterceptorCreators(TakeInterceptors());
    grpc_server = builder.BuildAndStart();
    if (grpc_server == nullptr || grpc_port == 0) return absl::UnavailableError(absl::StrCat("cannot serve gRPC on ", endpoint));
    grpc_server->GetHealthCheckService()->SetServingStatus(false);
    return absl::OkStatus();
  }

  void BeginStop() {
    std::lock_guard lock(mutex);
    stopping = true;
    health_due = true;
    wake.notify_all();
  }

  void Close() {
    BeginStop();
    {
      std::lock_guard lock(mutex);
      closed = true;
      wake.notify_all();
    }
    if (health_thread.joinable()) health_thread.join();
    StopAccepting();
    EndCalls();
    pages.Stop();
  }

  // Shutdown returns when all calls have ended, so it has a thread.
  void StopAccepting() {
    if (grpc_server == nullptr || shutdown_thread.joinable() || calls_ended.HasBeenNotified()) return;
    shutdown_thread = std::thread([this] {
      grpc_server->Shutdown();
      calls_ended.Notify();
    });
  }

  void EndCalls() {
    if (!shutdown_thread.joinable()) return;
    if (!calls_ended.WaitForNotificationWithTimeout(kShutdownGrace)) grpc_server_cancel_all_calls(grpc_server->c_server());
    shutdown_thread.join();
    grpc_server->Wait();
  }

  const ServerOptions options;
  Termination termination;  // First of what follows: it blocks the signals before any thread starts.
  prometheus::Registry registry;
  std::optional<LogLevelFile> log_level;
  std::shared_ptr<SpanExporter> spans;
  MetricsServer pages;
  CallGuard guard;  // Until Start.
  int grpc_port = 0;
  std::unique_ptr<grpc::Server> grpc_server;
  std::thread health_thread;
  std::thread shutdown_thread;
  absl::Notification calls_ended;

  std::mutex mutex;  // Guards what follows.
  std::condition_variable wake;
  bool started = false;
  bool stopping = false;
  bool closed = false;
  bool health_due = false;
  std::function<absl::Status()> probe;
  std::function<void(absl::Duration)> drain;
};

ServerRunner::ServerRunner(ServerOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}

ServerRunner::~ServerRunner() { impl_->Close(); }

prometheus::Registry& ServerRunner::metrics() { return impl_->registry; }

const std::shared_ptr<SpanExporter>& ServerRunner::spans() { return impl_->spans; }

absl::Status ServerRunner::Start(const std::vector<grpc::Service*>& services, std::shared_ptr<grpc::ServerCredentials> credentials) {
  if (absl::Status status = impl_->pages.Start(impl_->options.bind, impl_->options.metrics_port); !status.ok()) return status;
  if (absl::Status status = impl_->StartGrpc(services, std::move(credentials)); !status.ok()) return status;
  {
    std::lock_guard lock(impl_->mutex);
    impl_->started = true;
  }
  impl_->health_thread = std::thread([impl = impl_.get()] { impl->HealthLoop(); });
  Log(LogLevel::kInfo, "serving", {{"grpc", address()}, {"metrics", absl::StrCat(impl_->options.bind, ":", metrics_port())}});
  return absl::OkStatus();
}

int ServerRunner::grpc_port() const { return impl_->grpc_port; }

int ServerRunner::metrics_port() const { return impl_->pages.port(); }

std::string ServerRunner::address() const {
  const ServerOptions& options = impl_->options;
  return absl::StrCat(options.advertise.empty() ? options.bind : options.advertise, ":", impl_->grpc_port);
}

void ServerRunner::SetReadiness(std::function<absl::Status()> probe) {
  std::lock_guard lock(impl_->mutex);
  impl_->probe = std::move(probe);
}

void ServerRunner::SetCallGuard(CallGuard guard) { impl_->guard = std::move(guard); }

void ServerRunner::SetDrain(std::function<void(absl::Duration timeout)> drain) {
  std::lock_guard lock(impl_->mutex);
  impl_->drain = std::move(drain);
}

int ServerRunner::RunUntilTerminated() {
  impl_->termination.Wait();
  Log(LogLevel::kInfo, "draining");
  impl_->BeginStop();
  std::function<void(absl::Duration)> drain;
  {
    std::lock_guard lock(impl_->mutex);
    drain = impl_->drain;
  }
  if (drain) drain(impl_->options.drain_timeout);
  impl_->Close();
  Log(LogLevel::kInfo, "stopped");
  return 0;
}

void ServerRunner::StopAccepting() { impl_->StopAccepting(); }

void ServerRunner::Stop() { impl_->Close(); }

void ServerRunner::RequestStop() { impl_->termination.Request(); }

}  // namespace baleen
