// A choice that depends on its row of logits and one random number alone: what a device can make where the logits are.
#ifndef BALEEN_MODEL_SAMPLING_PLAIN_CHOICE_H_
#define BALEEN_MODEL_SAMPLING_PLAIN_CHOICE_H_

#include <cstdint>
#include <optional>

#include "absl/types/span.h"
#include "model/sampling/sampler.h"

namespace baleen {

// As in SamplerParams.
struct PlainChoice {
  float temperature = 0;
  float top_p = 1;
  float min_p = 0;
  int top_k = 0;
  double uniform = 0;  // What Sample draws for the seed, the position and the choice.
  absl::Span<const int32_t> banned;
};

// nullopt when Sample looks at more: adjustments, or log-probabilities to report. A function of the parameters in that, so a request's
// tokens are all chosen the same way.
std::optional<PlainChoice> PlainChoiceOf(const SamplerParams& params, absl::Span<const int32_t> banned, int64_t position);

}  // namespace baleen

#endif  // BALEEN_MODEL_SAMPLING_PLAIN_CHOICE_H_
