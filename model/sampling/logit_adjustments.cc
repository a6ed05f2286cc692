#include "model/sampling/logit_adjustments.h"

#include <unordered_map>

namespace baleen {
namespace {

std::unordered_map<int32_t, int64_t> CountTokens(absl::Span<const int32_t> tokens, size_t size) {
  std::unordered_map<int32_t, int64_t> counts;
  for (const int32_t token : tokens) {
    if (token >= 0 && static_cast<size_t>(token) < size) ++counts[token];
  }
  return counts;
}

}  // namespace

void AdjustLogits(const LogitAdjustments& adjustments, absl::Span<const int32_t> tokens, int64_t prompt_tokens, absl::Span<float> logits) {
  for (const auto& [token, bias] : adjustments.bias) {
    if (token >= 0 && static_cast<size_t>(token) < logits.size()) logits[static_cast<size_t>(token)] += bias;
  }
  // Each id is touched once, so the maps' order does not matter.
  if (adjustments.repetition_penalty != 1) {
    for (const auto& [token, count] : CountTokens(tokens, logits.size())) {
      float& logit = logits[static_cast<size_t>(token)];
      logit = logit > 0 ? logit / adjustments.repetition_penalty : logit * adjustments.repetition_penalty;
    }
  }
  if (adjustments.frequency_penalty != 0 || adjustments.presence_penalty != 0) {
    for (const auto& [token, count] : CountTokens(tokens.subspan(static_cast<size_t>(prompt_tokens)), logits.size())) {
      logits[static_cast<size_t>(token)] -= adjustments.frequency_penalty * static_cast<float>(count) + adjustments.presence_penalty;
    }
  }
}

}  // namespace baleen
