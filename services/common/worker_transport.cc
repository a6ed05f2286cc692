#include "services/common/worker_transport.h"

#include <prometheus/counter.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "services/common/log.h"
#include "transport/grpc/grpc_connector.h"
#include "transport/ucx/ucx_connector.h"
#include "transport/ucx/ucx_stream_server.h"
#include "transport/ucx/ucx_worker.h"

namespace baleen {

namespace {

prometheus::Counter* Counter(prometheus::Registry& metrics, const char* name, const char* help) {
  return &prometheus::BuildCounter().Name(name).Help(help).Register(metrics).Add({});
}

// gRPC, and UCX before it.
class UcxOrGrpc final : public Connector {
 public:
  UcxOrGrpc(UcxWorker* worker, prometheus::Counter* fallbacks, const std::shared_ptr<grpc::ChannelCredentials>& credentials)
      : grpc_({}, credentials),
        ucx_(worker, &grpc_,
             {.credentials = credentials, .on_fallback = [fallbacks](const std::string& address, const absl::Status& reason) {
                fallbacks->Increment();
                Log(LogLevel::kInfo, "ucx_falls_back_to_grpc", {{"address", address}, {"reason", std::string(reason.message())}});
              }}) {}

  std::shared_ptr<Connection> Connect(const std::string& address, const std::string& method, StreamHandlers handlers) override {
    return ucx_.Connect(address, method, std::move(handlers));
  }

 private:
  GrpcConnector grpc_;
  UcxConnector ucx_;
};

}  // namespace

struct WorkerTransport::Impl {
  std::unique_ptr<UcxWorker> worker;  // Null without UCX.
  std::unique_ptr<UcxStreamServer> server;
  prometheus::Counter* fallbacks = nullptr;
};

absl::StatusOr<std::unique_ptr<WorkerTransport>> WorkerTransport::Create(const WorkerTransportOptions& options,
                                                                         prometheus::Registry& metrics) {
  const bool required = options.transport == "ucx";
  if (!required && options.transport != "auto" && options.transport != "grpc") {
    return absl::InvalidArgumentError(absl::StrCat("--transport=", options.transport, ": expected auto, grpc or ucx"));
  }
  auto impl = std::make_unique<Impl>();
  impl->fallbacks = Counter(metrics, "baleen_transport_fallbacks_total", "Streams over gRPC because UCX did not reach the peer.");
  prometheus::Counter* const dropped =
      Counter(metrics, "baleen_transport_dropped_total", "UCX messages dropped because they belong to no stream.");
  if (options.transport != "grpc") {
    auto worker =
        UcxWorker::Create({.devices = options.ucx_devices, .encryption_required = options.encryption_required, .on_dropped = [dropped] {
                             dropped->Increment();
                           }});
    if (!worker.ok() && required) {
      return absl::Status(worker.status().code(), absl::StrCat("--transport=ucx: ", worker.status().message()));
    }
    if (worker.ok()) {
      impl->worker = *std::move(worker);
      impl->server = std::make_unique<UcxStreamServer>(impl->worker.get());
    } else {
      Log(LogLevel::kInfo, "no_ucx", {{"reason", std::string(worker.status().message())}});
    }
  }
  return std::unique_ptr<WorkerTransport>(new WorkerTransport(std::move(impl)));
}

WorkerTransport::WorkerTransport(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
WorkerTransport::~WorkerTransport() { Shutdown(); }

std::unique_ptr<Connector> WorkerTransport::NewConnector(std::shared_ptr<grpc::ChannelCredentials> credentials) {
  if (impl_->worker == nullptr) return std::make_unique<GrpcConnector>(StreamBounds(), std::move(credentials));
  return std::make_unique<UcxOrGrpc>(impl_->worker.get(), impl_->fallbacks, credentials);
}

void WorkerTransport::Serve(const std::string& method, AcceptFunction accept) {
  if (impl_->server != nullptr) impl_->server->Serve(method, std::move(accept));
}

grpc::Service* WorkerTransport::control_service() { return impl_->server.get(); }

void WorkerTransport::Shutdown() {
  if (impl_->server != nullptr) impl_->server->Shutdown();
}

}  // namespace baleen
