// Takes tool calls out of a completion as its tokens arrive (model spec section 8).
#ifndef BALEEN_MODEL_TOKENIZER_TOOL_CALL_PARSER_H_
#define BALEEN_MODEL_TOKENIZER_TOOL_CALL_PARSER_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/types/optional.h"
#include "base/private_text.h"
#include "model/tokenizer/detokenizer.h"
#include "model/tokenizer/stop_matcher.h"
#include "model/tokenizer/tokenizer.h"

namespace baleen {

enum class ToolCallSyntax {
  kFenced,  // V3 kinds and R1: function<sep>NAME\n```json\nARGUMENTS\n```
  kPlain,   // V3.1: NAME<sep>ARGUMENTS
};

// A piece of one call: the first of a call has its name, the following ones more of its arguments.
struct ToolCallDelta {
  int index = 0;
  PrivateText name;
  PrivateText arguments;
};

// Goes by the control tokens, never by text that spells them. Lenient where models err: a missing fence or separator still gives a call.
// Thread-compatible; the tokenizer outlives it.
class ToolCallParser {
 public:
  ToolCallParser(const Tokenizer& tokenizer, ToolCallSyntax syntax);

  // True when the token belongs to the calls and so is no text; what became known of them is appended.
  bool Add(int32_t token, std::vector<ToolCallDelta>* deltas);
  // What was held back when the completion ended within a call.
  void Finish(std::vector<ToolCallDelta>* deltas);
  int calls() const { return calls_; }
  bool between_calls() const { return state_ == State::kBetween; }

 private:
  enum class State { kText, kBetween, kHeader, kName, kArguments };

  void OnText(const std::string& text, std::vector<ToolCallDelta>* deltas);
  void OnNameText(std::vector<ToolCallDelta>* deltas);
  void BeginArguments(std::string name, const std::string& arguments, std::vector<ToolCallDelta>* deltas);
  void AddArguments(const std::string& text, std::vector<ToolCallDelta>* deltas);
  void BeginCall();
  void EndCall(std::vector<ToolCallDelta>* deltas);

  const ToolCallSyntax syntax_;
  const absl::optional<int32_t> calls_begin_, calls_end_, call_begin_, call_end_, separator_;
  Detokenizer detokenizer_;
  const Tokenizer& tokenizer_;
  State state_ = State::kText;
  std::string pending_;    // Of the call's header or name.
  StopMatcher end_fence_;  // Ends fenced arguments.
  int calls_ = 0;
};

}  // namespace baleen

#endif  // BALEEN_MODEL_TOKENIZER_TOOL_CALL_PARSER_H_
