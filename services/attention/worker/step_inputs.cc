#include "services/attention/worker/step_inputs.h"

#include <algorithm>
#include <cstddef>

namespace baleen {
namespace {

// The tokens at positions [first, first + count), with those of the step's own and a fill's next one behind the known.
std::vector<int32_t> TokensFrom(const SequenceRequest& request, int64_t first, int64_t count, const ChosenTokens& chosen) {
  const int64_t known = static_cast<int64_t>(request.tokens.size());
  std::vector<int32_t> tokens(request.tokens.begin() + std::min(first, known), request.tokens.begin() + std::min(first + count, known));
  const auto add = [&](int32_t token) {
    if (static_cast<int64_t>(tokens.size()) < count) tokens.push_back(token);
  };
  // Where no token may follow, the sequence ends with this step: any id will do.
  for (const SampledToken& token : chosen.tokens) add(std::max(token.token, 0));
  if (request.next_token >= 0) add(request.next_token);
  return tokens;
}

}  // namespace

StepInputs::StepInputs(const StepPlan& plan) : plan_(plan) {
  steps_.reserve(plan.rows.size());
  for (const StepRow& row : plan.rows) {
    const Sequence& sequence = *row.sequence;
    const SequenceRequest& request = sequence.request;
    absl::Span<const int32_t> tokens = request.tokens;
    if (row.logits == 2) {
      tokens = tokens_.emplace_back(std::vector<int32_t>{request.tokens.back(), sequence.draft});
    } else {
      tokens = tokens.subspan(static_cast<size_t>(row.first), static_cast<size_t>(row.count));
    }
    steps_.push_back({.blocks = sequence.blocks, .first_position = row.first, .tokens = tokens, .logits_count = row.logits});
    deadline_ = std::max(deadline_, request.deadline);
    fills_ = fills_ || !request.generates;
  }
}

TokenChoices StepInputs::Choices(int64_t ids) const {
  TokenChoices choices;
  choices.ids = ids;
  for (const StepRow& row : plan_.rows) {
    for (int64_t ahead = 0; ahead < row.logits; ++ahead) choices.wanted.push_back(ChoiceOf(*row.sequence, ahead));
  }
  return choices;
}

std::vector<ChosenTokens> StepInputs::Choose(const TokenChoices& choices, absl::Span<const float> logits, int64_t vocab_size) const {
  std::vector<ChosenTokens> chosen;
  chosen.reserve(plan_.rows.size());
  size_t first_row = 0;
  for (const StepRow& row : plan_.rows) {
    chosen.push_back(ChooseTokens(*row.sequence, logits, row.logits, vocab_size, choices, first_row));
    first_row += static_cast<size_t>(row.logits);
    logits.remove_prefix(static_cast<size_t>(row.logits * vocab_size));
  }
  return chosen;
}

std::function<void(int layer)> StepInputs::on_layer() const {
  if (!fills_) return nullptr;
  return [this](int layer) {
    for (const StepRow& row : plan_.rows) {
      const SequenceRequest& request = row.sequence->request;
      if (!request.generates) request.observer->OnLayer(row.sequence->blocks, layer, row.first, row.count);
    }
  };
}

std::vector<DraftStep> StepInputs::Drafts(const std::vector<ChosenTokens>& chosen, size_t guesses) {
  std::vector<DraftStep> drafts;
  size_t wanted = 0;
  int64_t first_row = 0;
  for (size_t i = 0; i < plan_.rows.size(); ++i) {
    const StepRow& row = plan_.rows[i];
    const int64_t kept = row.count - row.logits + static_cast<int64_t>(chosen[i].tokens.size());
    const std::vector<int32_t>& next = tokens_.emplace_back(TokensFrom(row.sequence->request, row.first + 1, kept, chosen[i]));
    const bool guess = row.logits > 0 && DraftIsOfUse(*row.sequence, chosen[i]);
    wanted += guess ? 1 : 0;
    drafts.push_back(
        {.blocks = row.sequence->blocks, .first_row = first_row, .first_position = row.first, .next_tokens = next, .logits = guess});
    first_row += row.count;
  }
  if (wanted > guesses) {
    for (DraftStep& draft : drafts) draft.logits = false;
  }
  return drafts;
}

TokenChoices StepInputs::DraftChoices(const std::vector<DraftStep>& drafts, const std::vector<ChosenTokens>& chosen, int64_t ids) const {
  TokenChoices choices;
  choices.ids = ids;
  for (size_t i = 0; i < drafts.size(); ++i) {
    if (drafts[i].logits) choices.wanted.push_back(ChoiceOf(*plan_.rows[i].sequence, static_cast<int64_t>(chosen[i].tokens.size())));
  }
  return choices;
}

void StepInputs::ChooseDrafts(const std::vector<DraftStep>& drafts, const std::vector<ChosenTokens>& chosen, const TokenChoices& choices,
                              absl::Span<const float> logits, int64_t vocab_size, std::vector<RowResult>* results) const {
  size_t guess = 0;
  for (size_t i = 0; i < drafts.size(); ++i) {
    if (!drafts[i].logits) continue;
    const absl::Span<const float> row = logits.subspan(guess * static_cast<size_t>(vocab_size), static_cast<size_t>(vocab_size));
    (*results)[i].draft = choices.Chose(guess) ? choices.tokens[guess] : ChooseDraft(*plan_.rows[i].sequence, chosen[i], row, choices.ids);
    ++guess;
  }
}

}  // namespace baleen
