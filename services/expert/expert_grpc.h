// baleen.v1.Expert over gRPC, as raw frames.
#ifndef BALEEN_SERVICES_EXPERT_EXPERT_GRPC_H_
#define BALEEN_SERVICES_EXPERT_EXPERT_GRPC_H_

#include <utility>

#include "proto/baleen/v1/expert.grpc.pb.h"
#include "transport/grpc/grpc_stream_server.h"

namespace baleen {

inline constexpr char kExpertExchangeMethod[] = "/baleen.v1.Expert/Exchange";

class ExpertGrpc final : public v1::Expert::WithRawCallbackMethod_Exchange<v1::Expert::Service> {
 public:
  explicit ExpertGrpc(AcceptFunction accept) : streams_(std::move(accept)) {}

  // Before the gRPC server's own shutdown, and before what `accept` serves goes away.
  void Shutdown() { streams_.Shutdown(); }

 private:
  grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* Exchange(grpc::CallbackServerContext* context) override {
    return streams_.Accept(context);
  }

  GrpcStreamServer streams_;
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_EXPERT_EXPERT_GRPC_H_
