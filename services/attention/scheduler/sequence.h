// One piece of the scheduler's work, a generation or a fill of KV for another worker, and where it stands.
#ifndef BALEEN_SERVICES_ATTENTION_SCHEDULER_SEQUENCE_H_
#define BALEEN_SERVICES_ATTENTION_SCHEDULER_SEQUENCE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "model/sampling/sampler.h"
#include "services/attention/scheduler/stop_rules.h"
#include "services/kv/cache/block_pool.h"

namespace baleen {

using SequenceId = uint64_t;

// kWaiting -> (kRemotePrefill ->) kPrefill -> kDecode -> gone; cancel, deadline and failure lead out of every state.
enum class SequenceState { kWaiting, kRemotePrefill, kPrefill, kDecode };

// Hears of one sequence, on the step loop's thread and without its lock. Must not block.
class SequenceObserver {
 public:
  virtual ~SequenceObserver() = default;
  // False pauses the sequence's decode until StepLoop::Wake. Called with the step loop's lock held; must not call the loop.
  virtual bool Writable() const { return true; }
  // Once, when the prompt is in KV.
  virtual void OnPrefilled(int64_t prompt_tokens) {}
  virtual void OnToken(int64_t index, const SampledToken& token) {}
  // Fills only: KV rows [first, first + count) of `layer` are final in `blocks`. May repeat rows after a failed step.
  virtual void OnLayer(absl::Span<const BlockId> blocks, int layer, int64_t first, int64_t count) {}
  // The last call, exactly once. kNone only with an error or for fills.
  virtual void OnFinished(const absl::Status& status, StopReason reason) = 0;
};

struct SequenceRequest {
  std::string key;         // Names the work; equal for all attempts of it.
  std::string request_id;  // 128 bits.
  uint32_t attempt = 0;
  absl::Time deadline = absl::InfiniteFuture();
  std::vector<int32_t> tokens;  // Prompt, then what earlier attempts generated; grows as tokens are sampled.
  int64_t prompt_tokens = 0;
  bool generates = true;  // False: only KV of `tokens` is wanted; sampler and stop are unused.
  SamplerParams sampler;
  StopRules stop;
  std::shared_ptr<SequenceObserver> observer;
};

struct Sequence {
  SequenceId id = 0;
  SequenceRequest request;
  SequenceState state = SequenceState::kWaiting;
  std::vector<BlockId> blocks;
  int64_t computed = 0;     // Positions whose KV is in place.
  bool prefilled = false;   // OnPrefilled was due.
  absl::Status ending;      // Not OK: leaves at the next Admit.
  absl::Status end_status;  // Of an ended sequence.
  StopReason end_reason = StopReason::kNone;

  int64_t known() const { return static_cast<int64_t>(request.tokens.size()); }
  int64_t generated() const { return known() - request.prompt_tokens; }
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_ATTENTION_SCHEDULER_SEQUENCE_H_
