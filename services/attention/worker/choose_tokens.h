// From a row's logits to its tokens, a draft verified on the way.
#ifndef BALEEN_SERVICES_ATTENTION_WORKER_CHOOSE_TOKENS_H_
#define BALEEN_SERVICES_ATTENTION_WORKER_CHOOSE_TOKENS_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "absl/types/span.h"
#include "model/sampling/plain_choice.h"
#include "model/sampling/sampler.h"
#include "services/attention/engine/token_choices.h"
#include "services/attention/scheduler/sequence.h"

namespace baleen {

struct ChosenTokens {
  std::vector<SampledToken> tokens;
  StopReason reason = StopReason::kNone;  // Why the sequence ends with the last of them.
};

// By what the token `ahead` places behind the sequence's next one is chosen; nullopt when that takes all of its logits, for all tokens of a
// request.
std::optional<PlainChoice> ChoiceOf(const Sequence& sequence, int64_t ahead);

// `logits` [rows, vocab_size] follow the newest token and, with two rows, the sequence's draft behind it. Each token is sampled as without
// a draft; the second one counts only when the first equals the draft. So drafts change how many tokens a step gives, never which.
// A single token of -1: none may follow. What `choices` has chosen for its rows from `first_row` on is taken as it is.
ChosenTokens ChooseTokens(const Sequence& sequence, absl::Span<const float> logits, int64_t rows, int64_t vocab_size,
                          const TokenChoices& choices, size_t first_row);

// Whether a guess at the token after `chosen`'s last could be of use: that one and the one behind it may still be generated.
bool DraftIsOfUse(const Sequence& sequence, const ChosenTokens& chosen);

// The guess at the token after `chosen`'s last. It is sampled with the number that the token itself will be sampled with, so that the two
// agree wherever the distributions do, also away from greedy.
int32_t ChooseDraft(const Sequence& sequence, const ChosenTokens& chosen, absl::Span<const float> logits, int64_t tokenizer_size);

}  // namespace baleen

#endif  // BALEEN_SERVICES_ATTENTION_WORKER_CHOOSE_TOKENS_H_
