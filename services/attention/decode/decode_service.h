// baleen.v1.Decode.
#ifndef BALEEN_SERVICES_ATTENTION_DECODE_DECODE_SERVICE_H_
#define BALEEN_SERVICES_ATTENTION_DECODE_DECODE_SERVICE_H_

#include <utility>

#include "proto/baleen/v1/attention.grpc.pb.h"
#include "services/attention/decode/decode_stream.h"

namespace baleen {

class DecodeService final : public v1::Decode::CallbackService {
 public:
  // The pointers outlive the gRPC server.
  DecodeService(ModelLimits limits, StepLoop* loop, Clock* clock) : limits_(std::move(limits)), loop_(loop), clock_(clock) {}

  grpc::ServerBidiReactor<v1::DecodeCommand, v1::DecodeEvent>* Run(grpc::CallbackServerContext* context) override {
    return DecodeStream::Start(&limits_, loop_, clock_);
  }

 private:
  const ModelLimits limits_;
  StepLoop* const loop_;
  Clock* const clock_;
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_ATTENTION_DECODE_DECODE_SERVICE_H_
