// baleen.v1.KvTransfer: raw frames, so that rows are never parsed as protobuf fields.
#ifndef BALEEN_SERVICES_ATTENTION_KV_TRANSFER_SERVICE_H_
#define BALEEN_SERVICES_ATTENTION_KV_TRANSFER_SERVICE_H_

#include <utility>

#include "proto/baleen/v1/kv.grpc.pb.h"
#include "transport/grpc/grpc_stream_server.h"
#include "transport/transport.h"

namespace baleen {

class KvTransferService final
    : public v1::KvTransfer::WithRawCallbackMethod_Push<v1::KvTransfer::WithRawCallbackMethod_Copy<v1::KvTransfer::Service>> {
 public:
  KvTransferService(AcceptFunction accept_pushes, AcceptFunction accept_copies)
      : pushes_(std::move(accept_pushes)), copies_(std::move(accept_copies)) {}

  grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* Push(grpc::CallbackServerContext* context) override {
    return pushes_.Accept(context);
  }
  grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* Copy(grpc::CallbackServerContext* context) override {
    return copies_.Accept(context);
  }
  // As GrpcStreamServer's.
  void Shutdown() {
    pushes_.Shutdown();
    copies_.Shutdown();
  }

 private:
  GrpcStreamServer pushes_;
  GrpcStreamServer copies_;
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_ATTENTION_KV_TRANSFER_SERVICE_H_
