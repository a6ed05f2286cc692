#include "model/sampling/plain_choice.h"

#include "model/sampling/philox.h"

namespace baleen {

std::optional<PlainChoice> PlainChoiceOf(const SamplerParams& params, absl::Span<const int32_t> banned, int64_t position) {
  if (params.adjustments.any() || params.logprobs >= 0) return std::nullopt;
  PlainChoice choice = {params.temperature, params.top_p, params.min_p, params.top_k, 0, banned};
  if (params.temperature > 0) choice.uniform = PhiloxUniform(params.seed, params.choice, static_cast<uint64_t>(position));
  return choice;
}

}  // namespace baleen
