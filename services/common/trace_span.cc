#include "services/common/trace_span.h"

namespace baleen {

TraceSpan SpanInside(const TraceContext& parent, std::string name, absl::Time start, absl::Time end) {
  TraceSpan span;
  span.trace_id = parent.trace_id;
  span.span_id = NewSpanId();
  span.parent_id = parent.span_id;
  span.name = std::move(name);
  span.start = start;
  span.end = end;
  return span;
}

}  // namespace baleen
