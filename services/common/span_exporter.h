// Sends spans to an OTLP receiver over gRPC, or into a file, off the request's path.
#ifndef BALEEN_SERVICES_COMMON_SPAN_EXPORTER_H_
#define BALEEN_SERVICES_COMMON_SPAN_EXPORTER_H_

#include <grpcpp/security/credentials.h>
#include <prometheus/registry.h>

#include <cstddef>
#include <memory>
#include <string>

#include "absl/time/time.h"
#include "services/common/trace_span.h"

namespace baleen {

struct SpanExporterOptions {
  std::string endpoint;                                        // host:port; or file:PATH (SpanFile).
  std::shared_ptr<grpc::ChannelCredentials> credentials = {};  // Null = plaintext.
  std::string service;                                         // The resource's service.name.
  size_t max_waiting = 4096;
  size_t max_batch = 512;
  absl::Duration period = absl::Seconds(1);
  absl::Duration timeout = absl::Seconds(5);
};

// Thread-safe. One thread of its own; never blocks a caller. A receiver that is away loses spans, which
// baleen_trace_spans_total{result="dropped"} counts. The registry must outlive it.
class SpanExporter {
 public:
  SpanExporter(SpanExporterOptions options, prometheus::Registry& registry);
  ~SpanExporter();  // Sends what waits, for at most one timeout.

  void Add(TraceSpan span);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_COMMON_SPAN_EXPORTER_H_
