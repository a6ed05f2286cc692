#include "transport/testing/echo_server.h"

#include <grpcpp/server_builder.h>

#include <cstdlib>
#include <utility>

#include "absl/strings/str_cat.h"
#include "proto/baleen/v1/expert.grpc.pb.h"
#include "transport/grpc/grpc_stream_server.h"

namespace baleen {

AcceptFunction Echo() {
  return [](std::shared_ptr<Connection> connection) {
    return StreamHandlers{.on_message = [connection](Message message) { (void)connection->Send(std::move(message)); },
                          .on_closed = nullptr};
  };
}

class EchoServer::Service final : public v1::Expert::WithRawCallbackMethod_Exchange<v1::Expert::Service> {
 public:
  explicit Service(const AcceptFunction& accept) : streams(accept) {}
  grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* Exchange(grpc::CallbackServerContext* context) override {
    return streams.Accept(context);
  }
  GrpcStreamServer streams;
};

EchoServer::EchoServer(const std::string& ucx_devices, const AcceptFunction& accept) {
  service_ = std::make_unique<Service>(accept);
  grpc::ServerBuilder builder;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port_);
  builder.RegisterService(service_.get());
  builder.SetMaxReceiveMessageSize(-1);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MAX_PING_STRIKES, 0);  // As the services do: clients ping several times a second.
  if (!ucx_devices.empty()) {
    worker_ = UcxWorker::Create({.devices = ucx_devices}).value();
    ucx_ = std::make_unique<UcxStreamServer>(worker_.get());
    ucx_->Serve(kEchoMethod, accept);
    builder.RegisterService(ucx_.get());
  }
  server_ = builder.BuildAndStart();
  if (server_ == nullptr) abort();
}

EchoServer::~EchoServer() {
  if (ucx_ != nullptr) ucx_->Shutdown();
  service_->streams.Shutdown();
  server_->Shutdown();
}

std::string EchoServer::address() const { return absl::StrCat("127.0.0.1:", port_); }

}  // namespace baleen
