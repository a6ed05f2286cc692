#include "services/common/span_file.h"

#include <boost/json.hpp>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace baleen {
namespace {

namespace json = boost::json;

// OTLP's numbers of these.
constexpr int kInternal = 1, kServer = 2, kError = 2;

json::array Attributes(const SpanAttributes& attributes) {
  json::array out;
  for (const auto& [key, value] : attributes) {
    const auto* number = std::get_if<int64_t>(&value);
    // 64-bit integers are strings in protobuf's JSON.
    json::object any =
        number != nullptr ? json::object{{"intValue", absl::StrCat(*number)}} : json::object{{"stringValue", std::get<std::string>(value)}};
    out.push_back(json::object{{"key", key}, {"value", std::move(any)}});
  }
  return out;
}

json::object Span(const TraceSpan& span) {
  json::object out{{"traceId", absl::BytesToHexString(span.trace_id)},
                   {"spanId", absl::BytesToHexString(span.span_id)},
                   {"parentSpanId", absl::BytesToHexString(span.parent_id)},
                   {"name", span.name},
                   {"kind", span.server ? kServer : kInternal},
                   {"startTimeUnixNano", absl::StrCat(absl::ToUnixNanos(span.start))},
                   {"endTimeUnixNano", absl::StrCat(absl::ToUnixNanos(span.end))},
                   {"attributes", Attributes(span.attributes)}};
  if (span.failed) out["status"] = json::object{{"code", kError}};
  return out;
}

}  // namespace

SpanFile::SpanFile(const std::string& path, int64_t max_bytes) : max_bytes_(max_bytes), file_(path, std::ios::trunc) {}

bool SpanFile::Append(const SpanAttributes& resource, const std::vector<TraceSpan>& batch) {
  json::array spans;
  for (const TraceSpan& span : batch) spans.push_back(Span(span));
  json::object scope{{"scope", json::object{{"name", "baleen"}}}, {"spans", std::move(spans)}};
  json::object one{{"resource", json::object{{"attributes", Attributes(resource)}}}, {"scopeSpans", json::array{std::move(scope)}}};
  const std::string line = absl::StrCat(json::serialize(json::object{{"resourceSpans", json::array{std::move(one)}}}), "\n");
  if (bytes_ + static_cast<int64_t>(line.size()) > max_bytes_) return false;
  file_ << line << std::flush;
  if (!file_) return false;
  bytes_ += static_cast<int64_t>(line.size());
  return true;
}

}  // namespace baleen
