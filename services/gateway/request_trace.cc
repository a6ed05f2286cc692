#include "services/gateway/request_trace.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/common/request_id.h"

namespace baleen {
namespace {

// Ids are random, so their first bits choose a share of the requests, the same at every gateway.
bool InShare(absl::string_view random_bytes, double share) {
  uint64_t bits = 0;
  std::memcpy(&bits, random_bytes.data(), std::min(sizeof bits, random_bytes.size()));
  return static_cast<double>(bits >> 11) * 0x1p-53 < share;
}

const char* NameOf(Operation operation) { return operation == Operation::kChat ? "chat" : "text_completion"; }

}  // namespace

std::optional<TraceContext> RequestTracer::Begin(absl::string_view traceparent, absl::string_view request_id) const {
  if (exporter_ == nullptr) return std::nullopt;
  std::optional<TraceContext> context = ParseTraceparent(traceparent);
  if (!context) context = NewTrace(InShare(request_id, sample_share_));
  if (!context->sampled) return std::nullopt;
  return context;
}

void RequestTracer::Ended(const TraceContext& parent, const std::string& request_id, Operation operation, const GenerationEvent& last,
                          absl::Time start, absl::Time first_token, absl::Time end) const {
  TraceSpan whole;
  whole.trace_id = parent.trace_id;
  whole.span_id = NewSpanId();
  whole.parent_id = parent.span_id;
  whole.name = absl::StrCat(NameOf(operation), " ", model_);
  whole.server = true;
  whole.failed = !last.status.ok();
  whole.start = start;
  whole.end = end;
  whole.attributes = {{"gen_ai.operation.name", NameOf(operation)},
                      {"gen_ai.request.model", model_},
                      {"gen_ai.usage.input_tokens", last.usage.prompt_tokens},
                      {"gen_ai.usage.output_tokens", last.usage.completion_tokens},
                      {"baleen.request_id", RequestIdToHex(request_id)},
                      {"baleen.failovers", last.usage.failovers}};
  if (whole.failed) whole.attributes.emplace_back("error.type", absl::StatusCodeToString(last.status.code()));
  const auto child = [&](const char* name, absl::Time from, absl::Time to) {
    TraceSpan span;
    span.trace_id = whole.trace_id;
    span.span_id = NewSpanId();
    span.parent_id = whole.span_id;
    span.name = name;
    span.failed = whole.failed && to == end;
    span.start = from;
    span.end = to;
    exporter_->Add(std::move(span));
  };
  child("first token", start, first_token == absl::InfinitePast() ? end : first_token);
  if (first_token != absl::InfinitePast()) child("decode", first_token, end);
  exporter_->Add(std::move(whole));
}

}  // namespace baleen
