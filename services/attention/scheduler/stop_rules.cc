#include "services/attention/scheduler/stop_rules.h"

#include <algorithm>

namespace baleen {

StopReason CheckStop(const StopRules& rules, int64_t prompt_tokens, int64_t generated, int32_t last) {
  const bool is_stop = std::find(rules.stop_ids.begin(), rules.stop_ids.end(), last) != rules.stop_ids.end();
  if (is_stop && generated > rules.min_tokens) return StopReason::kStop;
  if (generated >= rules.max_tokens || prompt_tokens + generated >= rules.max_positions) return StopReason::kLength;
  return StopReason::kNone;
}

absl::Span<const int32_t> BannedIds(const StopRules& rules, int64_t index) {
  if (index >= rules.min_tokens) return {};
  return rules.stop_ids;
}

}  // namespace baleen
