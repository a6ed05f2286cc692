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
#include "services/kv/cache/block_pool.h"

namespace baleen {

// One Step at a time.
class StepRunner {
 public:
  virtual ~StepRunner() = default;
  virtual int64_t vocab_size() const = 0;
  // Writes the KV rows of all tokens and the logits asked for, [sum of logits_count, vocab_size] in step order. `on_layer` may be null;
  // it is called when a layer's rows of all sequences are written. UNAVAILABLE and DEADLINE_EXCEEDED may be tried again.
  virtual absl::Status Step(absl::Span<const SequenceStep> sequences, BlockPool& kv, absl::Time deadline,
                            const std::function<void(int layer)>& on_layer, std::vector<float>* logits) = 0;
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_ATTENTION_WORKER_STEP_RUNNER_H_
