// Spans of one sequence at a worker: its wait for KV blocks, its prefill, its decoding, and what it asked of others.
#ifndef BALEEN_SERVICES_ATTENTION_TRACE_SEQUENCE_TRACE_H_
#define BALEEN_SERVICES_ATTENTION_TRACE_SEQUENCE_TRACE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "services/common/span_exporter.h"
#include "services/common/trace_context.h"

namespace baleen {

// Told of what happens, in order; sends each span when it is over. A sequence that is not traced has none, so tracing costs it a null
// check. Thread-safe.
class SequenceTrace {
 public:
  // `parent` is the caller's span. `spans` is unowned and outlives this.
  SequenceTrace(SpanExporter* spans, TraceContext parent, absl::Time arrival);

  // It got KV blocks: "queue" is over. Again after each time that it gave them up.
  void Admitted(absl::Time now);
  // Another worker is asked to fill the KV; what that worker needs to join the trace.
  std::string RemotePrefillStarted(absl::Time now);
  void RemotePrefillEnded(bool filled, absl::Time now);
  // The prompt is in KV: "prefill" is over and "decode" begins.
  void Prefilled(int64_t prompt_tokens, int64_t cached_tokens, absl::Time now);
  // A fill's rows go to the worker that asked; "KV hand-over" is over when it has them all.
  void RowsSent(size_t bytes, absl::Time now);
  void HandOverEnded(const absl::Status& status, absl::Time now);
  // The last but for HandOverEnded. Later ones change nothing.
  void Ended(const absl::Status& status, int64_t generated_tokens, absl::Time now);

  // What a step of the sequence is part of now.
  TraceContext step_parent() const;

 private:
  // Ids of spans that others name as their parent are drawn before those end.
  struct Open {
    std::string span_id;
    absl::Time start;
  };

  TraceSpan CloseLocked(const Open& open, const char* name, absl::Time now) const;

  SpanExporter* const spans_;
  const TraceContext parent_;
  const absl::Time arrival_;

  mutable std::mutex mutex_;  // Guards what follows.
  std::optional<Open> prefill_;
  std::optional<Open> decode_;
  std::optional<Open> remote_;
  std::optional<absl::Time> hand_over_;
  int64_t preemptions_ = 0;
  size_t sent_bytes_ = 0;
  bool ended_ = false;
};

// Null without an exporter and for requests that are not sampled; `traceparent` as it came.
std::shared_ptr<SequenceTrace> JoinTrace(SpanExporter* spans, absl::string_view traceparent, absl::Time now);

}  // namespace baleen

#endif  // BALEEN_SERVICES_ATTENTION_TRACE_SEQUENCE_TRACE_H_
