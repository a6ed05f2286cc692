// Spans of a request as the gateway sees it: the whole, its wait, each attempt at a worker, the time to its first token and after it.
#ifndef BALEEN_SERVICES_GATEWAY_REQUEST_TRACE_H_
#define BALEEN_SERVICES_GATEWAY_REQUEST_TRACE_H_

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "services/common/span_exporter.h"
#include "services/common/trace_context.h"
#include "services/gateway/gen_ai_metrics.h"
#include "services/gateway/generation/generation.h"
#include "services/gateway/generation/generation_trace.h"

namespace baleen {

// What a request is to its metrics and spans.
struct RequestDescription {
  Operation operation = Operation::kChat;
  std::string request_id;  // 16 bytes.
  std::string model;
  int64_t choices = 1;
};

// One sampled request's. The whole is sent with the end of its last choice, or as cancelled when this goes before. Thread-safe.
class RequestTrace final : public GenerationTrace {
 public:
  // What is sent after `spans` has gone is lost.
  RequestTrace(std::weak_ptr<SpanExporter> spans, const TraceContext& parent, RequestDescription request, absl::Time start);
  ~RequestTrace() override;

  void Waited(uint32_t choice, absl::Time from, absl::Time to) override;
  std::string AttemptStarted(uint32_t choice, uint32_t attempt, const std::string& worker_id) override;
  void AttemptEnded(uint32_t choice, const absl::Status& status) override;
  // `first_token` is InfinitePast when none came.
  void Ended(const GenerationEvent& last, absl::Time first_token, absl::Time end);

 private:
  void Send(TraceSpan span) const;
  void CloseAttemptLocked(uint32_t choice, const absl::Status& status, absl::Time end);
  void CloseWholeLocked(const absl::Status& status, absl::Time end);

  const std::weak_ptr<SpanExporter> spans_;
  const RequestDescription request_;
  const TraceContext whole_;                // As a parent.
  std::mutex mutex_;                        // Guards what follows.
  TraceSpan span_;                          // The whole.
  std::map<uint32_t, TraceSpan> attempts_;  // That are open, by choice.
  GenerationUsage usage_;
  int64_t open_choices_;
};

// Decides which requests are traced. Thread-safe.
class RequestTracer {
 public:
  RequestTracer() : RequestTracer(nullptr, 0) {}
  // With null no request is traced. sample_share is that of requests which come without a traceparent.
  RequestTracer(std::shared_ptr<SpanExporter> spans, double sample_share) : spans_(std::move(spans)), sample_share_(sample_share) {}

  // The trace that a request joins or begins, whose id is then the request's; null when it is not sampled.
  std::shared_ptr<RequestTrace> Begin(absl::string_view traceparent, RequestDescription request) const;

 private:
  const std::shared_ptr<SpanExporter> spans_;
  const double sample_share_;
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_GATEWAY_REQUEST_TRACE_H_
