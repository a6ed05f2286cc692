// A finished piece of a trace.
#ifndef BALEEN_SERVICES_COMMON_TRACE_SPAN_H_
#define BALEEN_SERVICES_COMMON_TRACE_SPAN_H_

#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/time/time.h"
#include "services/common/trace_context.h"

namespace baleen {

// Ids, names and counts, never user text.
using SpanAttributes = std::vector<std::pair<std::string, std::variant<int64_t, std::string>>>;

struct TraceSpan {
  std::string trace_id;   // 16 bytes.
  std::string span_id;    // 8 bytes.
  std::string parent_id;  // 8 bytes; empty = the trace begins here.
  std::string name;
  bool server = false;  // Answers a call from outside.
  bool failed = false;
  absl::Time start;
  absl::Time end;
  SpanAttributes attributes;
};

// A span with an id of its own inside `parent`.
TraceSpan SpanInside(const TraceContext& parent, std::string name, absl::Time start, absl::Time end);

}  // namespace baleen

#endif  // BALEEN_SERVICES_COMMON_TRACE_SPAN_H_
