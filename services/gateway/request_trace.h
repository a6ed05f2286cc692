// Spans of a request as the gateway sees it: the whole, the time to its first token, the tokens after it.
#ifndef BALEEN_SERVICES_GATEWAY_REQUEST_TRACE_H_
#define BALEEN_SERVICES_GATEWAY_REQUEST_TRACE_H_

#include <optional>
#include <string>
#include <utility>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "services/common/span_exporter.h"
#include "services/common/trace_context.h"
#include "services/gateway/gen_ai_metrics.h"
#include "services/gateway/generation/generation.h"

namespace baleen {

// Decides which requests are traced. Thread-safe.
class RequestTracer {
 public:
  RequestTracer() : RequestTracer(nullptr, 0, "") {}
  // exporter is unowned and may be null: then no request is traced. sample_share is that of requests which come without a traceparent.
  RequestTracer(SpanExporter* exporter, double sample_share, std::string model)
      : exporter_(exporter), sample_share_(sample_share), model_(std::move(model)) {}

  // The trace that a request joins or begins; nullopt when it is not sampled.
  std::optional<TraceContext> Begin(absl::string_view traceparent, absl::string_view request_id) const;

  // `first_token` is InfinitePast when none came. Attributes by OpenTelemetry's conventions for generative AI.
  void Ended(const TraceContext& parent, const std::string& request_id, Operation operation, const GenerationEvent& last, absl::Time start,
             absl::Time first_token, absl::Time end) const;

 private:
  SpanExporter* const exporter_;
  const double sample_share_;
  const std::string model_;
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_GATEWAY_REQUEST_TRACE_H_
