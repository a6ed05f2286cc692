#include "model/sampling/logit_adjustments.h"

#include <cstddef>

namespace baleen {
namespace {

bool Within(int32_t token, absl::Span<const float> logits) { return token >= 0 && static_cast<size_t>(token) < logits.size(); }

// Each id is touched once, so the map's order does not matter.
void Penalize(const LogitAdjustments& adjustments, const TokenCounts& counts, absl::Span<float> logits) {
  const bool repetition = adjustments.repetition_penalty != 1;
  const bool others = adjustments.frequency_penalty != 0 || adjustments.presence_penalty != 0;
  for (const auto& [token, count] : counts.counts()) {
    if (!Within(token, logits)) continue;
    float& logit = logits[static_cast<size_t>(token)];
    if (repetition) logit = logit > 0 ? logit / adjustments.repetition_penalty : logit * adjustments.repetition_penalty;
    if (others && count.generated > 0) {
      logit -= adjustments.frequency_penalty * static_cast<float>(count.generated) + adjustments.presence_penalty;
    }
  }
}

}  // namespace

void AdjustLogits(const LogitAdjustments& adjustments, absl::Span<const int32_t> tokens, int64_t prompt_tokens, absl::Span<float> logits,
                  TokenCounts* counts) {
  for (const auto& [token, bias] : adjustments.bias) {
    if (Within(token, logits)) logits[static_cast<size_t>(token)] += bias;
  }
  if (!adjustments.penalties()) return;
  TokenCounts anew;
  if (counts == nullptr) counts = &anew;
  counts->Follow(tokens, prompt_tokens);
  Penalize(adjustments, *counts, logits);
}

}  // namespace baleen
