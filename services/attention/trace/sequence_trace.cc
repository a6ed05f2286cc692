#include "services/attention/trace/sequence_trace.h"

#include <utility>

namespace baleen {

SequenceTrace::SequenceTrace(SpanExporter* spans, TraceContext parent, absl::Time arrival)
    : spans_(spans), parent_(std::move(parent)), arrival_(arrival) {}

TraceSpan SequenceTrace::CloseLocked(const Open& open, const char* name, absl::Time now) const {
  TraceSpan span = SpanInside(parent_, name, open.start, now);
  span.span_id = open.span_id;
  return span;
}

void SequenceTrace::Admitted(absl::Time now) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (prefill_ || decode_) {
    ++preemptions_;
    return;
  }
  spans_->Add(SpanInside(parent_, "queue", arrival_, now));
  prefill_ = Open{NewSpanId(), now};
}

std::string SequenceTrace::RemotePrefillStarted(absl::Time now) {
  const std::lock_guard<std::mutex> lock(mutex_);
  remote_ = Open{NewSpanId(), now};
  return FormatTraceparent({parent_.trace_id, remote_->span_id, true});
}

void SequenceTrace::RemotePrefillEnded(bool filled, absl::Time now) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (!remote_) return;
  TraceSpan span = CloseLocked(*std::exchange(remote_, std::nullopt), "remote prefill", now);
  if (prefill_) span.parent_id = prefill_->span_id;
  span.failed = !filled;
  spans_->Add(std::move(span));
}

void SequenceTrace::Prefilled(int64_t prompt_tokens, int64_t cached_tokens, absl::Time now) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (!prefill_) return;
  TraceSpan span = CloseLocked(*std::exchange(prefill_, std::nullopt), "prefill", now);
  span.attributes = {{"baleen.prompt_tokens", prompt_tokens}, {"baleen.cached_tokens", cached_tokens}};
  spans_->Add(std::move(span));
  decode_ = Open{NewSpanId(), now};
}

void SequenceTrace::RowsSent(size_t bytes, absl::Time now) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (!hand_over_) hand_over_ = now;
  sent_bytes_ += bytes;
}

void SequenceTrace::HandOverEnded(const absl::Status& status, absl::Time now) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (!hand_over_) return;
  TraceSpan span = SpanInside(parent_, "KV hand-over", *std::exchange(hand_over_, std::nullopt), now);
  span.failed = !status.ok();
  span.attributes = {{"baleen.bytes", static_cast<int64_t>(sent_bytes_)}};
  spans_->Add(std::move(span));
}

void SequenceTrace::Ended(const absl::Status& status, int64_t generated_tokens, absl::Time now) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (std::exchange(ended_, true)) return;
  TraceSpan span = decode_    ? CloseLocked(*decode_, "decode", now)
                   : prefill_ ? CloseLocked(*prefill_, "prefill", now)
                              : SpanInside(parent_, "queue", arrival_, now);
  span.failed = !status.ok();
  if (decode_) span.attributes = {{"baleen.generated_tokens", generated_tokens}};
  if (preemptions_ > 0) span.attributes.emplace_back("baleen.preemptions", preemptions_);
  if (span.failed) span.attributes.emplace_back("error.type", absl::StatusCodeToString(status.code()));
  spans_->Add(std::move(span));
}

TraceContext SequenceTrace::step_parent() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  const std::string& span = decode_ ? decode_->span_id : prefill_ ? prefill_->span_id : parent_.span_id;
  return {parent_.trace_id, span, true};
}

std::shared_ptr<SequenceTrace> JoinTrace(SpanExporter* spans, absl::string_view traceparent, absl::Time now) {
  if (spans == nullptr || traceparent.empty()) return nullptr;
  std::optional<TraceContext> parent = ParseTraceparent(traceparent);
  if (!parent || !parent->sampled) return nullptr;
  return std::make_shared<SequenceTrace>(spans, *std::move(parent), now);
}

}  // namespace baleen
