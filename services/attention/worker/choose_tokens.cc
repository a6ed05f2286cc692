#include "services/attention/worker/choose_tokens.h"

#include <cstddef>
#include <utility>

namespace baleen {

namespace {

// The sequence's tokens and `chosen` behind them; empty where its choices depend on no token.
std::vector<int32_t> Followed(const SequenceRequest& request, const std::vector<SampledToken>& chosen) {
  std::vector<int32_t> tokens;
  if (request.grammar == nullptr && !request.sampler.adjustments.penalties()) return tokens;
  tokens.reserve(request.tokens.size() + chosen.size());
  tokens = request.tokens;
  for (const SampledToken& token : chosen) tokens.push_back(token.token);
  return tokens;
}

// With `tokens`, prompt first, as the sequence so far; they may be left out where Followed leaves them out.
SampleContext ContextOf(const Sequence& sequence, absl::Span<const int32_t> tokens) {
  const SequenceRequest& request = sequence.request;
  SampleContext context{.tokens = tokens, .prompt_tokens = request.prompt_tokens, .allowed = nullptr, .counts = sequence.counts.get()};
  if (request.grammar != nullptr) context.allowed = &request.grammar->Allowed(tokens.subspan(static_cast<size_t>(request.prompt_tokens)));
  return context;
}

}  // namespace

std::optional<PlainChoice> ChoiceOf(const Sequence& sequence, int64_t ahead) {
  const SequenceRequest& request = sequence.request;
  if (request.grammar != nullptr) return std::nullopt;
  return PlainChoiceOf(request.sampler, BannedIds(request.stop, sequence.generated() + ahead), sequence.known() + ahead);
}

ChosenTokens ChooseTokens(const Sequence& sequence, absl::Span<const float> logits, int64_t rows, int64_t vocab_size,
                          const TokenChoices& choices, size_t first_row) {
  const SequenceRequest& request = sequence.request;
  ChosenTokens chosen;
  std::vector<int32_t> drafted;  // With the draft, once it has turned out right.
  for (int64_t row = 0; row < rows; ++row) {
    const int64_t index = sequence.generated() + row;
    const size_t choice = first_row + static_cast<size_t>(row);
    SampledToken sampled;
    if (choices.Chose(choice)) {
      sampled.token = choices.tokens[choice];
    } else {
      const absl::Span<const int32_t> tokens = absl::MakeConstSpan(row == 0 ? request.tokens : drafted);
      sampled = Sample(request.sampler, logits.subspan(static_cast<size_t>(row * vocab_size), static_cast<size_t>(vocab_size)), choices.ids,
                       BannedIds(request.stop, index), sequence.known() + row, ContextOf(sequence, tokens));
    }
    const int32_t token = sampled.token;
    if (token < 0 && row > 0) break;  // The next step finds it again, as its first.
    chosen.tokens.push_back(std::move(sampled));
    if (token < 0) break;
    chosen.reason = CheckStop(request.stop, request.prompt_tokens, index + 1, token);
    if (chosen.reason != StopReason::kNone || token != sequence.draft || row + 1 == rows) break;
    drafted = Followed(request, chosen.tokens);
  }
  return chosen;
}

bool DraftIsOfUse(const Sequence& sequence, const ChosenTokens& chosen) {
  const StopRules& stop = sequence.request.stop;
  const int64_t generated = sequence.generated() + static_cast<int64_t>(chosen.tokens.size()) + 2;
  return chosen.reason == StopReason::kNone && chosen.tokens.back().token >= 0 && generated <= stop.max_tokens &&
         sequence.request.prompt_tokens + generated <= stop.max_positions;
}

int32_t ChooseDraft(const Sequence& sequence, const ChosenTokens& chosen, absl::Span<const float> logits, int64_t tokenizer_size) {
  const int64_t ahead = static_cast<int64_t>(chosen.tokens.size());
  SamplerParams sampler = sequence.request.sampler;
  sampler.logprobs = -1;
  const std::vector<int32_t> tokens = Followed(sequence.request, chosen.tokens);
  return Sample(sampler, logits, tokenizer_size, BannedIds(sequence.request.stop, sequence.generated() + ahead), sequence.known() + ahead,
                ContextOf(sequence, tokens))
      .token;
}

}  // namespace baleen
