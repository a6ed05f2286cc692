// Sends spans to an OTLP receiver over gRPC, off the request's path.
#ifndef BALEEN_SERVICES_COMMON_SPAN_EXPORTER_H_
#define BALEEN_SERVICES_COMMON_SPAN_EXPORTER_H_

#include <grpcpp/security/credentials.h>
#include <prometheus/registry.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/time/time.h"

namespace baleen {

// One finished piece of a trace. Attributes are ids, names and counts, never user text.
struct TraceSpan {
  std::string trace_id;   // 16 bytes.
  std::string span_id;    // 8 bytes.
  std::string parent_id;  // 8 bytes; empty = the trace begins here.
  std::string name;
  bool server = false;  // Answers a call from outside.
  bool failed = false;
  absl::Time start;
  absl::Time end;
  std::vector<std::pair<std::string, std::variant<int64_t, std::string>>> attributes;
};

struct SpanExporterOptions {
  std::string endpoint;                                        // host:port
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
