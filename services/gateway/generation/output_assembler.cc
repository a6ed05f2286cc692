#include "services/gateway/generation/output_assembler.h"

#include <utility>

namespace baleen {

OutputAssembler::OutputAssembler(const Tokenizer& tokenizer, bool split_reasoning, bool opens_thinking, StopMatcher matcher,
                                 ToolCallOutput tool_calls)
    : parser_(split_reasoning ? std::make_unique<ReasoningParser>(tokenizer, opens_thinking) : nullptr),
      tools_(tool_calls.syntax ? std::make_unique<ToolCallParser>(tokenizer, *tool_calls.syntax) : nullptr),
      single_tool_call_(tool_calls.single),
      detokenizer_(tokenizer, /*skip_special=*/true),
      matcher_(std::move(matcher)) {}

OutputDelta OutputAssembler::Match(std::string reasoning, const std::string& text) {
  OutputDelta delta;
  delta.reasoning = PrivateText(std::move(reasoning));
  StopMatcher::Output output = matcher_.Add(text);
  delta.text = PrivateText(std::move(output.text));
  delta.stopped = output.matched >= 0;
  return delta;
}

OutputDelta OutputAssembler::Add(int32_t token) {
  const bool thinking = parser_ != nullptr && parser_->thinking();
  std::vector<ToolCallDelta> calls;
  if (tools_ != nullptr && !thinking && tools_->Add(token, &calls)) {
    const bool whole = single_tool_call_ && tools_->calls() == 1 && tools_->between_calls();
    // What was held back came before the call.
    OutputDelta delta = whole ? Finish() : OutputDelta();
    delta.tool_calls = std::move(calls);
    delta.stopped = whole;
    return delta;
  }
  if (parser_ == nullptr) return Match("", detokenizer_.Add(token));
  if (parser_->thinking()) ++reasoning_tokens_;
  ReasoningDelta delta = parser_->Add(token);
  return Match(std::move(delta.reasoning), delta.content);
}

OutputDelta OutputAssembler::Finish() {
  OutputDelta delta;
  if (parser_ == nullptr) {
    delta = Match("", detokenizer_.Finish());
  } else {
    ReasoningDelta rest = parser_->Finish();
    delta = Match(std::move(rest.reasoning), rest.content);
  }
  if (!delta.stopped) delta.text.Append(PrivateText(matcher_.Finish()));
  if (tools_ != nullptr && !delta.stopped) tools_->Finish(&delta.tool_calls);
  return delta;
}

}  // namespace baleen
