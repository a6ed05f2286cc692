// A planned step as the network takes it, and what its results mean for the sequences.
#ifndef BALEEN_SERVICES_ATTENTION_WORKER_STEP_INPUTS_H_
#define BALEEN_SERVICES_ATTENTION_WORKER_STEP_INPUTS_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <vector>

#include "absl/time/time.h"
#include "absl/types/span.h"
#include "services/attention/engine/sequence_step.h"
#include "services/attention/engine/token_choices.h"
#include "services/attention/scheduler/scheduler.h"
#include "services/attention/worker/choose_tokens.h"

namespace baleen {

// Holds what the spans of its steps point to, apart from the sequences.
class StepInputs {
 public:
  // The main model's rows. `plan` outlives this.
  explicit StepInputs(const StepPlan& plan);

  const std::vector<SequenceStep>& steps() const { return steps_; }
  // What the engine may choose by for their rows of logits; ids below `ids` have a token.
  TokenChoices Choices(int64_t ids) const;
  // Their tokens, by what the network gave.
  std::vector<ChosenTokens> Choose(const TokenChoices& choices, absl::Span<const float> logits, int64_t vocab_size) const;
  // The latest of the sequences': a step that ended with the first of them would be lost to the others, and who is late leaves before the
  // next one.
  absl::Time deadline() const { return deadline_; }
  // Tells the fills' observers of a layer's rows; empty when there are none.
  std::function<void(int layer)> on_layer() const;

  // The MTP layer's rows once the main model's tokens are chosen: those of all positions whose next token is known. `guesses` = at most so
  // many sequences may get a draft, and none when more want one.
  std::vector<DraftStep> Drafts(const std::vector<ChosenTokens>& chosen, size_t guesses);
  TokenChoices DraftChoices(const std::vector<DraftStep>& drafts, const std::vector<ChosenTokens>& chosen, int64_t ids) const;
  // Their guesses, into `results`.
  void ChooseDrafts(const std::vector<DraftStep>& drafts, const std::vector<ChosenTokens>& chosen, const TokenChoices& choices,
                    absl::Span<const float> logits, int64_t vocab_size, std::vector<RowResult>* results) const;

 private:
  const StepPlan& plan_;
  std::vector<SequenceStep> steps_;
  std::deque<std::vector<int32_t>> tokens_;
  absl::Time deadline_ = absl::InfinitePast();
  bool fills_ = false;
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_ATTENTION_WORKER_STEP_INPUTS_H_
