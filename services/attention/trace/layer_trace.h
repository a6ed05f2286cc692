// Spans of one step, layer by layer.
#ifndef BALEEN_SERVICES_ATTENTION_TRACE_LAYER_TRACE_H_
#define BALEEN_SERVICES_ATTENTION_TRACE_LAYER_TRACE_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/time/time.h"
#include "base/clock.h"
#include "model/layers/expert_backend.h"
#include "services/common/span_exporter.h"
#include "services/common/trace_context.h"

namespace baleen {

// Stands between the engine and its experts for one step. "step" has for every MoE layer an "attention" span (from the layer's KV rows
// being written to its rows being sent: attention and gate) and one "experts" span a micro-batch (from sending to having the outputs),
// which shards join. All pointers are unowned and outlive this. One step, on its thread.
class LayerTrace final : public ExpertBackend {
 public:
  LayerTrace(SpanExporter* spans, const TraceContext& parent, ExpertBackend* experts, Clock* clock);
  ~LayerTrace() override;  // The step is over.

  // What the engine is to call when a layer's KV rows are written; calls `then`, which may be null.
  std::function<void(int layer)> OnLayerKv(std::function<void(int layer)> then);
  std::unique_ptr<PendingExperts> Dispatch(const ExpertBatch& batch) override;

 private:
  SpanExporter* const spans_;
  const TraceContext step_;  // As a parent.
  const std::string parent_id_;
  ExpertBackend* const experts_;
  Clock* const clock_;
  const absl::Time begun_;
  int64_t rows_ = 0;  // Of the last layer.
  int layer_ = -1;
  absl::Time kv_written_;
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_ATTENTION_TRACE_LAYER_TRACE_H_
