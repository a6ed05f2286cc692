// One piece of the scheduler's work, a generation or a fill of KV for another worker, and where it stands.
#ifndef BALEEN_SERVICES_ATTENTION_SCHEDULER_SEQUENCE_H_
#define BALEEN_SERVICES_ATTENTION_SCHEDULER_SEQUENCE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "model/sampling/grammar/grammar_matcher.h"
#include "model/sampling/sampler.h"
#include "model/sampling/token_counts.h"
#include "services/attention/scheduler/stop_rules.h"
#include "services/kv/cache/block_hash.h"
#include "services/kv/cache/block_pool.h"

namespace baleen {

class SequenceTrace;

using SequenceId = uint64_t;

// What one level of priority is worth: a request goes before those of the next lower level that came up to this much earlier, and no
// further, so that none starves.
constexpr absl::Duration kPriorityHeadStart = absl::Seconds(10);

// kWaiting -> (kRemotePrefill ->) kPrefill -> kDecode -> gone; preemption leads from kPrefill and kDecode back to kWaiting; cancel,
// deadline and failure lead out of every state.
enum class SequenceState { kWaiting, kRemotePrefill, kPrefill, kDecode };

// Hears of one sequence, on the step loop's thread and without its lock. Must not block.
class SequenceObserver {
 public:
  virtual ~SequenceObserver() = default;
  // False pauses the sequence's decode until StepLoop::Wake; meanwhile its KV is anybody's who needs it. Called with the step loop's lock
  // held; must not call the loop.
  virtual bool Writable() const { return true; }
  // Once, when the sequence has its first blocks: from here on it is computed.
  virtual void OnAdmitted() {}
  // Once, when the prompt is in KV; `cached_tokens` of it were there when the sequence was first admitted.
  virtual void OnPrefilled(int64_t prompt_tokens, int64_t cached_tokens) {}
  virtual void OnToken(int64_t index, const SampledToken& token) {}
  // Fills only: so much of the KV is in the prefix cache; OnLayer tells of those rows too. Once, before the first step.
  virtual void OnCached(int64_t cached_tokens) {}
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
  bool generates = true;    // False: only KV of `tokens` is wanted; sampler and stop are unused.
  int32_t next_token = -1;  // Fills: what follows `tokens`, for the MTP layer's last row; -1 = unknown.
  int32_t priority = 0;     // One more counts as kPriorityHeadStart of waiting.
  absl::Time arrival = absl::UnixEpoch();
  std::string cache_salt;  // Sequences share cached blocks only under equal salts.
  SamplerParams sampler;
  std::shared_ptr<GrammarMatcher> grammar;  // Null = unconstrained. Used on the step loop's thread alone.
  StopRules stop;
  std::shared_ptr<SequenceObserver> observer;
  std::shared_ptr<SequenceTrace> trace;  // Null = not traced.
};

struct Sequence {
  SequenceId id = 0;
  SequenceRequest request;
  SequenceState state = SequenceState::kWaiting;
  std::vector<BlockId> blocks;
  std::vector<BlockHash> hashes;  // Names of the leading full blocks, as far as they were needed.
  int64_t published = 0;          // Leading blocks that are in the prefix cache,
  int64_t standby_told = 0;       // and those that KvStandby heard of.
  int64_t computed = 0;           // Positions whose KV is in place.
  int32_t draft = -1;             // A guess at the next token but one: after the newest token, not in request.tokens. -1 = none.
  bool paused = false;            // Its client did not read when the scheduler last looked.
  bool admitted = false;          // Once at least.
  int64_t cached_tokens = 0;      // Of the prompt, when first admitted.
  bool admission_told = false;    // AttentionProbe::Admitted and OnAdmitted were due.
  bool prefilled = false;         // OnPrefilled was due.
  // Of its tokens, where penalties ask. Used on the step loop's thread alone.
  std::unique_ptr<TokenCounts> counts = std::make_unique<TokenCounts>();
  absl::Status ending;      // Not OK: leaves at the next Admit.
  absl::Status end_status;  // Of an ended sequence.
  StopReason end_reason = StopReason::kNone;

  // Who goes first, in everything; never changes.
  std::pair<absl::Time, SequenceId> rank() const { return {request.arrival - request.priority * kPriorityHeadStart, id}; }
  int64_t known() const { return static_cast<int64_t>(request.tokens.size()); }
  int64_t generated() const { return known() - request.prompt_tokens; }
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_ATTENTION_SCHEDULER_SEQUENCE_H_
