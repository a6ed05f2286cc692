#include "services/attention/trace/layer_trace.h"

#include <cstdint>
#include <utility>

namespace baleen {
namespace {

// Sends the span when the outputs are there.
class TracedExperts final : public PendingExperts {
 public:
  TracedExperts(SpanExporter* spans, TraceSpan span, std::string traceparent, Clock* clock)
      : spans_(spans), clock_(clock), traceparent_(std::move(traceparent)), span_(std::move(span)) {}

  absl::string_view traceparent() const { return traceparent_; }
  void Start(ExpertBackend* experts, const ExpertBatch& batch) { pending_ = experts->Dispatch(batch); }

  absl::Status Wait() override {
    absl::Status status = pending_->Wait();
    span_.end = clock_->Now();
    span_.failed = !status.ok();
    spans_->Add(std::move(span_));
    return status;
  }

 private:
  SpanExporter* const spans_;
  Clock* const clock_;
  const std::string traceparent_;  // Outlives the batch, which points to it.
  TraceSpan span_;
  std::unique_ptr<PendingExperts> pending_;
};

}  // namespace

LayerTrace::LayerTrace(SpanExporter* spans, const TraceContext& parent, ExpertBackend* experts, Clock* clock)
    : spans_(spans),
      step_{parent.trace_id, NewSpanId(), true},
      parent_id_(parent.span_id),
      experts_(experts),
      clock_(clock),
      begun_(clock->Now()) {}

LayerTrace::~LayerTrace() {
  TraceSpan span = SpanInside({step_.trace_id, parent_id_, true}, "step", begun_, clock_->Now());
  span.span_id = step_.span_id;
  span.attributes = {{"baleen.rows", rows_}};
  spans_->Add(std::move(span));
}

std::function<void(int layer)> LayerTrace::OnLayerKv(std::function<void(int layer)> then) {
  return [this, then = std::move(then)](int layer) {
    layer_ = layer;
    kv_written_ = clock_->Now();
    if (then) then(layer);
  };
}

std::unique_ptr<PendingExperts> LayerTrace::Dispatch(const ExpertBatch& batch) {
  const absl::Time now = clock_->Now();
  // The first of two micro-batches is sent before the second one's rows are written.
  if (batch.layer == layer_) {
    TraceSpan attention = SpanInside(step_, "attention", kv_written_, now);
    attention.attributes = {{"baleen.layer", int64_t{batch.layer}}, {"baleen.rows", batch.rows}};
    spans_->Add(std::move(attention));
    rows_ = batch.rows;
  }
  TraceSpan experts = SpanInside(step_, "experts", now, now);
  experts.attributes = {{"baleen.layer", int64_t{batch.layer}}, {"baleen.rows", batch.rows}};
  std::string traceparent = FormatTraceparent({step_.trace_id, experts.span_id, true});
  auto pending = std::make_unique<TracedExperts>(spans_, std::move(experts), std::move(traceparent), clock_);
  ExpertBatch traced = batch;
  traced.traceparent = pending->traceparent();
  pending->Start(experts_, traced);
  return pending;
}

}  // namespace baleen
