// One step of the network over a batch: what the step loop drives.
#ifndef BALEEN_SERVICES_ATTENTION_WORKER_STEP_RUNNER_H_
#define BALEEN_SERVICES_ATTENTION_WORKER_STEP_RUNNER_H_

#include <cstdint>
#include <functional>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "services/attention/engine/sequence_step.h"
#include "services/attention/engine/token_choices.h"
#include "services/common/trace_context.h"
#include "services/kv/cache/block_pool.h"

namespace baleen {

// One Step at a time.
class StepRunner {
 public:
  virtual ~StepRunner() = default;
  virtual int64_t vocab_size() const = 0;
  // The next Step is part of the trace, with its layers. Without effect where there is nothing to see.
  virtual void TraceNextStep(const TraceContext& parent) {}
  // Writes the KV rows of all tokens and the logits asked for, [sum of logits_count, vocab_size] in step order. `on_layer` may be null;
  // it is called when a layer's rows of all sequences are written. `choices` as StepOptions'. UNAVAILABLE and DEADLINE_EXCEEDED may be
  // tried again.
  virtual absl::Status Step(absl::Span<const SequenceStep> sequences, BlockPool& kv, absl::Time deadline,
                            const std::function<void(int layer)>& on_layer, TokenChoices* choices, std::vector<float>* logits) = 0;

  // Whether there is an MTP layer to draft with.
  virtual bool drafts() const { return false; }
  // After a Step, for some of its rows in its order: writes the MTP layer's KV rows of all of them, and the logits asked for as
  // [drafts with logits, vocab_size]. `on_layer` and `choices` as above. An error costs drafts, nothing else.
  virtual absl::Status Draft(absl::Span<const DraftStep> drafts, BlockPool& kv, const std::function<void(int layer)>& on_layer,
                             TokenChoices* choices, std::vector<float>* logits) {
    return absl::UnimplementedError("this network has no MTP layer");
  }
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_ATTENTION_WORKER_STEP_RUNNER_H_
