// When a sequence ends: a pure function of its tokens.
#ifndef BALEEN_SERVICES_ATTENTION_SCHEDULER_STOP_RULES_H_
#define BALEEN_SERVICES_ATTENTION_SCHEDULER_STOP_RULES_H_

#include <cstdint>
#include <vector>

#include "absl/types/span.h"

namespace baleen {

enum class StopReason { kNone, kStop, kLength };

struct StopRules {
  int64_t max_tokens = 0;  // At least 1.
  int64_t min_tokens = 0;  // Until then no stop id may be sampled.
  // The checkpoint's end-of-sequence ids (unless the request ignores them) and the request's own.
  std::vector<int32_t> stop_ids;
  // Prompt and generated tokens together.
  int64_t max_positions = 0;
};

// Why a sequence whose newest generated token is `last` ends here; `generated` >= 1 counts that token. The stop token belongs to the
// output.
StopReason CheckStop(const StopRules& rules, int64_t prompt_tokens, int64_t generated, int32_t last);

// Ids that may not become generated token number `index` (0-based). Points into `rules`.
absl::Span<const int32_t> BannedIds(const StopRules& rules, int64_t index);

}  // namespace baleen

#endif  // BALEEN_SERVICES_ATTENTION_SCHEDULER_STOP_RULES_H_
