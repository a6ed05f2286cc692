// Splits a completion into reasoning and answer as its tokens arrive.
#ifndef BALEEN_MODEL_TOKENIZER_REASONING_PARSER_H_
#define BALEEN_MODEL_TOKENIZER_REASONING_PARSER_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "model/tokenizer/detokenizer.h"
#include "model/tokenizer/stop_matcher.h"
#include "model/tokenizer/tokenizer.h"

namespace baleen {

struct ReasoningDelta {
  std::string reasoning;
  std::string content;
};

// Reasoning runs to the </think> token; where the vocabulary has none, to the text "</think>". It loses one leading newline and all
// trailing ones; the content after it loses up to two leading newlines. A completion that itself starts with the <think> token (or text)
// is reasoning too, even if the prompt did not open it. All else passes unchanged. Special tokens give no text.
// Thread-compatible; the tokenizer outlives it.
class ReasoningParser {
 public:
  // `opened`: the prompt ended inside <think> (RenderedChat::opens_thinking).
  ReasoningParser(const Tokenizer& tokenizer, bool opened);

  ReasoningDelta Add(int32_t token);
  // What is left. The newlines that reasoning ends with are dropped even where it was cut off.
  ReasoningDelta Finish();
  // The text comes out as reasoning now.
  bool thinking() const { return state_ == State::kThinking; }

 private:
  enum class State { kStart, kThinking, kContent };

  void AddText(absl::string_view text, ReasoningDelta* delta);
  void AddStartText(absl::string_view text, ReasoningDelta* delta);
  void AddThinkingText(absl::string_view text, ReasoningDelta* delta);
  void AddContent(absl::string_view text, ReasoningDelta* delta);
  void AppendReasoning(absl::string_view text, ReasoningDelta* delta);
  void EndThinking();

  Detokenizer detokenizer_;
  absl::optional<int32_t> think_;
  absl::optional<int32_t> end_think_;
  State state_;
  std::string start_text_;      // What could still become "<think>".
  StopMatcher end_text_;        // For vocabularies without </think>.
  bool reasoned_ = false;       // Some reasoning has come.
  size_t newlines_ = 0;         // Held back: trailing unless more reasoning comes.
  size_t content_to_trim_ = 0;  // Leading newlines that content may still lose.
};

}  // namespace baleen

#endif  // BALEEN_MODEL_TOKENIZER_REASONING_PARSER_H_
