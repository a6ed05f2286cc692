// What a request adds to or takes from its logits before a token is chosen.
#ifndef BALEEN_MODEL_SAMPLING_LOGIT_ADJUSTMENTS_H_
#define BALEEN_MODEL_SAMPLING_LOGIT_ADJUSTMENTS_H_

#include <cstdint>
#include <utility>
#include <vector>

#include "absl/types/span.h"

namespace baleen {

struct LogitAdjustments {
  float presence_penalty = 0;    // Taken once from each id that was generated.
  float frequency_penalty = 0;   // Taken as often as the id was generated.
  float repetition_penalty = 1;  // > 0; divides the positive logits of ids in prompt or answer, multiplies the negative ones.
  std::vector<std::pair<int32_t, float>> bias = {};  // Added first. Unknown ids are ignored.

  bool any() const { return presence_penalty != 0 || frequency_penalty != 0 || repetition_penalty != 1 || !bias.empty(); }
};

// A function of its arguments alone, so a sequence resumed from its tokens goes on with the same logits: counts are taken anew from
// `tokens` (prompt, then what was generated from index `prompt_tokens` on). Bias, then repetition (Keskar et al., CTRL, arXiv:1909.05858),
// then frequency and presence as OpenAI defines them.
void AdjustLogits(const LogitAdjustments& adjustments, absl::Span<const int32_t> tokens, int64_t prompt_tokens, absl::Span<float> logits);

}  // namespace baleen

#endif  // BALEEN_MODEL_SAMPLING_LOGIT_ADJUSTMENTS_H_
