// Chooses a token from its logits: a pure function of logits, parameters and position.
#ifndef BALEEN_MODEL_SAMPLING_SAMPLER_H_
#define BALEEN_MODEL_SAMPLING_SAMPLER_H_

#include <cstdint>
#include <utility>
#include <vector>

#include "absl/types/span.h"
#include "model/sampling/logit_adjustments.h"
#include "model/sampling/token_counts.h"
#include "model/sampling/token_mask.h"

namespace baleen {

struct SamplerParams {
  float temperature = 0;  // 0 = greedy.
  float top_p = 1;
  int top_k = 0;    // 0 = off.
  float min_p = 0;  // In [0, 1]; ids less likely than this share of the likeliest one's probability are left out.
  LogitAdjustments adjustments;
  uint64_t seed = 0;
  uint32_t choice = 0;
  int logprobs = -1;  // Alternatives to report; -1 = no log-probabilities.
};

// What the choice also depends on: the sequence so far.
struct SampleContext {
  absl::Span<const int32_t> tokens = {};  // Prompt, then what was generated.
  int64_t prompt_tokens = 0;
  const TokenMask* allowed = nullptr;  // Null = all.
  TokenCounts* counts = nullptr;       // Keeps what is counted for the sequence's next token; may be null.
};

struct SampledToken {
  int32_t token = 0;
  float logprob = 0;  // Of the unmodified distribution over the tokenizer's ids (temperature 1, no truncation, nothing banned).
  std::vector<std::pair<int32_t, float>> top;  // Ids and log-probabilities, likeliest first.
};

// `position` is the absolute position of the token being chosen; the random number is Philox-4x32-10 keyed by the seed at counter
// (position, choice). Ids in [tokenizer_size, logits.size()), in `banned` and not in context.allowed are never chosen; with no id left the
// token is -1. Ties go to the lowest id, and a NaN counts as minus infinity. The adjustments come first, then the temperature. Top-k keeps
// the k likeliest ids, min-p those near enough to the likeliest; top-p then keeps the fewest of them, likeliest first, whose share of what
// is left reaches top_p, and at least one. exp and log are kernels/math.h's; sums are taken in double, in an order that depends on logits
// and parameters alone.
SampledToken Sample(const SamplerParams& params, absl::Span<const float> logits, int64_t tokenizer_size, absl::Span<const int32_t> banned,
                    int64_t position, const SampleContext& context = {});

}  // namespace baleen

#endif  // BALEEN_MODEL_SAMPLING_SAMPLER_H_
