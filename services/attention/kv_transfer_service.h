// baleen.v1.KvTransfer: raw frames, so that rows are never parsed as protobuf fields.
#ifndef BALEEN_SERVICES_ATTENTION_KV_TRANSFER_SERVICE_H_
#define BALEEN_SERVICES_ATTENTION_KV_TRANSFER_SERVICE_H_

#include <utility>

#include "proto/baleen/v1/kv.grpc.pb.h"
#include "transport/grpc/grpc_stream_server.h"
#include "transport/transport.h"

namespace baleen {

class KvTransferService final : public v1::KvTransfer::WithRawCallbackMethod_Push<v1::KvTransfer::Service> {
 public:
  explicit KvTransferService(AcceptFunction accept) : streams_(std::move(accept)) {}

  grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* Push(grpc::CallbackServerContext* context) override {
    return streams_.Accept(context);
  }
  // As GrpcStreamServer's.
  void Shutdown() { streams_.Shutdown(); }

 private:
  GrpcStreamServer streams_;
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_ATTENTION_KV_TRANSFER_SERVICE_H_
