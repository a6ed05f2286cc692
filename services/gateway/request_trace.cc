#include "services/gateway/request_trace.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/clock.h"
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

void MarkFailed(const absl::Status& status, TraceSpan* span) {
  span->failed = !status.ok();
  if (span->failed) span->attributes.emplace_back("error.type", absl::StatusCodeToString(status.code()));
}

// The whole's own context: a child of the caller's, or the first of a new trace.
TraceContext WholeOf(const TraceContext& parent) { return {parent.trace_id, NewSpanId(), true}; }

}  // namespace

RequestTrace::RequestTrace(std::weak_ptr<SpanExporter> spans, const TraceContext& parent, RequestDescription request, absl::Time start)
    : spans_(std::move(spans)), request_(std::move(request)), whole_(WholeOf(parent)), open_choices_(request_.choices) {
  span_ = SpanInside(parent, absl::StrCat(NameOf(request_.operation), " ", request_.model), start, start);
  span_.span_id = whole_.span_id;
  span_.server = true;
}

RequestTrace::~RequestTrace() {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (open_choices_ > 0) CloseWholeLocked(absl::CancelledError("the client left"), Clock::Real()->Now());
}

void RequestTrace::Send(TraceSpan span) const {
  if (const std::shared_ptr<SpanExporter> spans = spans_.lock()) spans->Add(std::move(span));
}

void RequestTrace::Waited(uint32_t choice, absl::Time from, absl::Time to) {
  TraceSpan span = SpanInside(whole_, "admission", from, to);
  span.attributes = {{"baleen.choice", int64_t{choice}}};
  Send(std::move(span));
}

std::string RequestTrace::AttemptStarted(uint32_t choice, uint32_t attempt, const std::string& worker_id) {
  const absl::Time now = Clock::Real()->Now();
  TraceSpan span = SpanInside(whole_, attempt == 1 ? "attempt" : "failover", now, now);
  span.attributes = {{"baleen.choice", int64_t{choice}}, {"baleen.attempt", int64_t{attempt}}, {"baleen.worker", worker_id}};
  std::string traceparent = FormatTraceparent({span.trace_id, span.span_id, true});
  const std::lock_guard<std::mutex> lock(mutex_);
  attempts_.insert_or_assign(choice, std::move(span));
  return traceparent;
}

void RequestTrace::AttemptEnded(uint32_t choice, const absl::Status& status) {
  const std::lock_guard<std::mutex> lock(mutex_);
  CloseAttemptLocked(choice, status, Clock::Real()->Now());
}

void RequestTrace::CloseAttemptLocked(uint32_t choice, const absl::Status& status, absl::Time end) {
  const auto open = attempts_.find(choice);
  if (open == attempts_.end()) return;
  TraceSpan span = std::move(open->second);
  attempts_.erase(open);
  span.end = end;
  MarkFailed(status, &span);
  Send(std::move(span));
}

void RequestTrace::Ended(const GenerationEvent& last, absl::Time first_token, absl::Time end) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (open_choices_ <= 0) return;
  const auto part = [&](const char* name, absl::Time from, absl::Time to) {
    TraceSpan span = SpanInside(whole_, name, from, to);
    span.failed = !last.status.ok() && to == end;
    Send(std::move(span));
  };
  part("first token", span_.start, first_token == absl::InfinitePast() ? end : first_token);
  if (first_token != absl::InfinitePast()) part("tokens", first_token, end);
  usage_.prompt_tokens = last.usage.prompt_tokens;
  usage_.completion_tokens += last.usage.completion_tokens;
  usage_.failovers += last.usage.failovers;
  // A choice that fails takes the request with it.
  open_choices_ = last.status.ok() ? open_choices_ - 1 : 0;
  if (open_choices_ == 0) CloseWholeLocked(last.status, end);
}

void RequestTrace::CloseWholeLocked(const absl::Status& status, absl::Time end) {
  while (!attempts_.empty()) CloseAttemptLocked(attempts_.begin()->first, status, end);
  span_.end = end;
  span_.attributes = {{"gen_ai.operation.name", NameOf(request_.operation)},      {"gen_ai.request.model", request_.model},
                      {"gen_ai.usage.input_tokens", usage_.prompt_tokens},        {"gen_ai.usage.output_tokens", usage_.completion_tokens},
                      {"baleen.request_id", RequestIdToHex(request_.request_id)}, {"baleen.failovers", usage_.failovers}};
  MarkFailed(status, &span_);
  Send(std::move(span_));
}

std::shared_ptr<RequestTrace> RequestTracer::Begin(absl::string_view traceparent, RequestDescription request) const {
  if (spans_ == nullptr) return nullptr;
  std::optional<TraceContext> context = ParseTraceparent(traceparent);
  if (!context) context = TraceContext{request.request_id, "", InShare(request.request_id, sample_share_)};
  if (!context->sampled) return nullptr;
  return std::make_shared<RequestTrace>(spans_, *context, std::move(request), Clock::Real()->Now());
}

}  // namespace baleen
