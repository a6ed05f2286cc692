// W3C Trace Context: the `traceparent` header that says which trace a request belongs to.
#ifndef BALEEN_SERVICES_COMMON_TRACE_CONTEXT_H_
#define BALEEN_SERVICES_COMMON_TRACE_CONTEXT_H_

#include <optional>
#include <string>

#include "absl/strings/string_view.h"

namespace baleen {

struct TraceContext {
  std::string trace_id;  // 16 bytes, not all zero.
  std::string span_id;   // 8 bytes, not all zero: the caller's span.
  bool sampled = false;
};

// "00-<32 hex>-<16 hex>-<2 hex>" in lower case; later versions may have more behind it. nullopt for anything else: the specification wants
// a bad header ignored and a new trace begun.
std::optional<TraceContext> ParseTraceparent(absl::string_view header);

// 8 bytes from the kernel's random source.
std::string NewSpanId();
// What ParseTraceparent reads.
std::string FormatTraceparent(const TraceContext& context);

}  // namespace baleen

#endif  // BALEEN_SERVICES_COMMON_TRACE_CONTEXT_H_
