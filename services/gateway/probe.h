// The gateway's metrics, by the stems that serving dashboards know.
#ifndef BALEEN_SERVICES_GATEWAY_PROBE_H_
#define BALEEN_SERVICES_GATEWAY_PROBE_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/time/time.h"
#include "services/gateway/gen_ai_metrics.h"
#include "services/gateway/generation/generation.h"
#include "services/gateway/request_trace.h"

namespace prometheus {
class Registry;
}

namespace baleen {

// What a request is to its metrics, spans and log lines.
struct RequestOrigin {
  Operation operation;
  std::string request_id;               // 16 bytes.
  std::shared_ptr<RequestTrace> trace;  // Null when it is not sampled.
};

// Thread-safe; outlives the requests it measures.
class GatewayProbe {
 public:
  // `model` labels what OpenTelemetry wants labelled; `tracer` makes spans of the requests that it samples, the default of none.
  GatewayProbe(prometheus::Registry& registry, const std::string& model, RequestTracer tracer = RequestTracer());
  ~GatewayProbe();

  // For Measure; the trace, where there is one, is the generation's too.
  RequestOrigin Begin(Operation operation, const GenerationInput& input) const;
  // Wraps the sink of one of a request's choices: times its tokens, counts it in and out, logs its end.
  GenerationSink Measure(GenerationSink sink, RequestOrigin origin);
  void Refused(int http_status);
  // How long after its arrival a request was answered 4xx.
  void RefusedAfter(absl::Duration elapsed);
  // A client that left before the end.
  void Disconnected();
  // Mean KV usage of the decode workers, which is what an endpoint picker weighs this gateway by.
  void KvUsage(double share);
  // Requests whose answers are under way.
  int64_t running() const;
  // Those of them without a token yet.
  int64_t waiting() const;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_GATEWAY_PROBE_H_
