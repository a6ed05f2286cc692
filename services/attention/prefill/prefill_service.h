// baleen.v1.Prefill.
#ifndef BALEEN_SERVICES_ATTENTION_PREFILL_PREFILL_SERVICE_H_
#define BALEEN_SERVICES_ATTENTION_PREFILL_PREFILL_SERVICE_H_

#include <utility>

#include "proto/baleen/v1/attention.grpc.pb.h"
#include "services/attention/prefill/fill_call.h"

namespace baleen {

class PrefillService final : public v1::Prefill::CallbackService {
 public:
  // What the context points to outlives the gRPC server.
  explicit PrefillService(FillCallContext context) : context_(std::move(context)) {}

  grpc::ServerUnaryReactor* Fill(grpc::CallbackServerContext* context, const v1::FillRequest* request, v1::FillReply* reply) override {
    return FillCall::Start(&context_, *request, reply);
  }

 private:
  const FillCallContext context_;
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_ATTENTION_PREFILL_PREFILL_SERVICE_H_
