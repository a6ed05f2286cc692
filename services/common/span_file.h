// Spans in a file, for clusters without an OTLP receiver.
#ifndef BALEEN_SERVICES_COMMON_SPAN_FILE_H_
#define BALEEN_SERVICES_COMMON_SPAN_FILE_H_

#include <cstdint>
#include <fstream>
#include <string>
#include <vector>

#include "services/common/trace_span.h"

namespace baleen {

// JSON lines as OpenTelemetry's OTLP file exporter writes them: one TracesData a batch, ids in hex. One writer at a time.
class SpanFile {
 public:
  // Begins the file anew.
  explicit SpanFile(const std::string& path, int64_t max_bytes = int64_t{64} << 20);
  // False when the batch is not written: the file is full, or cannot be written.
  bool Append(const SpanAttributes& resource, const std::vector<TraceSpan>& batch);

 private:
  const int64_t max_bytes_;
  int64_t bytes_ = 0;
  std::ofstream file_;
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_COMMON_SPAN_FILE_H_
