// baleen.v1.Decode.
#ifndef BALEEN_SERVICES_ATTENTION_DECODE_DECODE_SERVICE_H_
#define BALEEN_SERVICES_ATTENTION_DECODE_DECODE_SERVICE_H_

#include <utility>

#include "proto/baleen/v1/attention.grpc.pb.h"
#include "services/attention/decode/decode_stream.h"
#include "services/attention/decode/recall.h"
#include "services/attention/worker/step_loop.h"

namespace baleen {

class DecodeService final : public v1::Decode::CallbackService {
 public:
  // The pointers outlive the gRPC server; without `resume` no request is resumable, without `spans` none is traced.
  DecodeService(ModelLimits limits, StepLoop* loop, Clock* clock, ResumeTable* resume = nullptr, SpanExporter* spans = nullptr)
      : limits_(std::move(limits)), loop_(loop), clock_(clock), resume_(resume), spans_(spans) {}

  grpc::ServerBidiReactor<v1::DecodeCommand, v1::DecodeEvent>* Run(grpc::CallbackServerContext* context) override {
    return DecodeStream::Start(&limits_, loop_, clock_, resume_, spans_);
  }

  grpc::ServerUnaryReactor* Recall(grpc::CallbackServerContext* context, const v1::RecallRequest* request,
                                   v1::RecallReply* reply) override {
    if (resume_ != nullptr) {
      const auto cancel = [this](SequenceId id, absl::Status why) { loop_->Cancel(id, std::move(why)); };
      *reply = RecallFrom(*resume_, cancel, limits_.numerics_id, *request);
    }
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    reactor->Finish(grpc::Status::OK);
    return reactor;
  }

 private:
  const ModelLimits limits_;
  StepLoop* const loop_;
  Clock* const clock_;
  ResumeTable* const resume_;
  SpanExporter* const spans_;
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_ATTENTION_DECODE_DECODE_SERVICE_H_
