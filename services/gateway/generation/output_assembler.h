// A sequence's tokens to what its client sees: text without control tokens, reasoning apart, cut at stop strings.
#ifndef BALEEN_SERVICES_GATEWAY_GENERATION_OUTPUT_ASSEMBLER_H_
#define BALEEN_SERVICES_GATEWAY_GENERATION_OUTPUT_ASSEMBLER_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/private_text.h"
#include "model/tokenizer/detokenizer.h"
#include "model/tokenizer/reasoning_parser.h"
#include "model/tokenizer/stop_matcher.h"
#include "model/tokenizer/tokenizer.h"
#include "model/tokenizer/tool_call_parser.h"
#include "services/gateway/generation/token_place.h"

namespace baleen {

struct OutputDelta {
  // Of the token that was added: its place, and how many bytes of text came with it, shown at once or held back.
  TokenPlace place = TokenPlace::kNone;
  int64_t text_bytes = 0;
  PrivateText reasoning;
  PrivateText text;
  std::vector<ToolCallDelta> tool_calls = {};
  bool stopped = false;  // A stop string was met, or the only call is whole; nothing follows.
};

// What becomes of tool calls.
struct ToolCallOutput {
  std::optional<ToolCallSyntax> syntax = {};  // Absent = they stay text.
  bool single = false;                        // The first one ends the answer.
};

// Thread-compatible; a function of the tokens alone. Stop strings are looked for in the text, not in the reasoning or in tool calls.
class OutputAssembler {
 public:
  OutputAssembler(const Tokenizer& tokenizer, bool split_reasoning, bool opens_thinking, StopMatcher matcher, ToolCallOutput tool_calls);

  OutputDelta Add(int32_t token);
  // What was held back, when the sequence ended by itself.
  OutputDelta Finish();
  int64_t reasoning_tokens() const { return reasoning_tokens_; }
  bool has_tool_calls() const { return tools_ != nullptr && tools_->calls() > 0; }

 private:
  OutputDelta Match(std::string reasoning, const std::string& text);
  OutputDelta AddText(int32_t token);

  const Tokenizer& tokenizer_;
  std::unique_ptr<ReasoningParser> parser_;  // Null without split_reasoning.
  std::unique_ptr<ToolCallParser> tools_;    // Null where calls stay text.
  const bool single_tool_call_;
  Detokenizer detokenizer_;
  StopMatcher matcher_;
  int64_t reasoning_tokens_ = 0;
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_GATEWAY_GENERATION_OUTPUT_ASSEMBLER_H_
