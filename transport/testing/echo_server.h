// A server that sends every message of baleen.v1.Expert/Exchange back, over gRPC and UCX.
#ifndef BALEEN_TRANSPORT_TESTING_ECHO_SERVER_H_
#define BALEEN_TRANSPORT_TESTING_ECHO_SERVER_H_

#include <grpcpp/server.h>

#include <memory>
#include <string>

#include "transport/transport.h"
#include "transport/ucx/ucx_stream_server.h"
#include "transport/ucx/ucx_worker.h"

namespace baleen {

inline constexpr char kEchoMethod[] = "/baleen.v1.Expert/Exchange";

AcceptFunction Echo();

// On a free port of 127.0.0.1.
class EchoServer {
 public:
  // Without devices it has no UCX. `accept` may do something else than echo.
  explicit EchoServer(const std::string& ucx_devices, const AcceptFunction& accept = Echo());
  ~EchoServer();

  std::string address() const;
  UcxWorker* worker() { return worker_.get(); }

 private:
  class Service;

  std::unique_ptr<UcxWorker> worker_;
  std::unique_ptr<UcxStreamServer> ucx_;
  std::unique_ptr<Service> service_;
  std::unique_ptr<grpc::Server> server_;
  int port_ = 0;
};

}  // namespace baleen

#endif  // BALEEN_TRANSPORT_TESTING_ECHO_SERVER_H_
