// What a request adds to or takes from its logits before a token is chosen.
#ifndef BALEEN_MODEL_SAMPLING_LOGIT_ADJUSTMENTS_H_
#define BALEEN_MODEL_SAMPLING_LOGIT_ADJUSTMENTS_H_

#include <cstdint>
#include <utility>
#include <vector>

#include "absl/types/span.h"
#include "model/sampling/token_counts.h"

namespace baleen {

struct LogitAdjustments {
  float presence_penalty = 0;    // Taken once from each id that was generated.
  float frequency_penalty = 0;   // Taken as often as the id was generated.
  float repetition_penalty = 1;  // > 0; divides the positive logits of ids in prompt or answer, multiplies the negative ones.
  std::vector<std::pair<int32_t, float>> bias = {};  // Added first. Unknown ids are ignored.

  bool penalties() const { return presence_penalty != 0 || frequency_penalty != 0 || repetition_penalty != 1; }
  bool any() const { return penalties() || !bias.empty(); }
};

// A function of adjustments, tokens (prompt, then what was generated from index `prompt_tokens` on) and logits alone, so a sequence resumed
// from its tokens goes on with the same logits. Bias, then repetition (Keskar et al., CTRL, arXiv:1909.05858), then frequency and presence
// as OpenAI defines them. `counts` keeps the work of one call for the next; null = all is counted anew.
void AdjustLogits(const LogitAdjustments& adjustments, absl::Span<const int32_t> tokens, int64_t prompt_tokens, absl::Span<float> logits,
                  TokenCounts* counts = nullptr);

}  // namespace baleen

#endif  // BALEEN_MODEL_SAMPLING_LOGIT_ADJUSTMENTS_H_
