#include "services/gateway/generation/output_assembler.h"

#include <utility>

namespace baleen {
namespace {

bool IsNewlines(absl::string_view text) { return text.find_first_not_of('\n') == absl::string_view::npos; }

}  // namespace

OutputAssembler::OutputAssembler(const Tokenizer& tokenizer, bool split_reasoning, bool opens_thinking, StopMatcher matcher,
                                 ToolCallOutput tool_calls)
    : tokenizer_(tokenizer),
      parser_(split_reasoning ? std::make_unique<ReasoningParser>(tokenizer, opens_thinking) : nullptr),
      tools_(tool_calls.syntax ? std::make_unique<ToolCallParser>(tokenizer, *tool_calls.syntax) : nullptr),
      single_tool_call_(tool_calls.single),
      detokenizer_(tokenizer, /*skip_special=*/true),
      matcher_(std::move(matcher)) {}

OutputDelta OutputAssembler::Match(std::string reasoning, const std::string& text) {
  OutputDelta delta;
  delta.reasoning = PrivateText(std::move(reasoning));
  delta.text_bytes = static_cast<int64_t>(text.size());
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
  OutputDelta delta = AddText(token);
  const bool thinks = parser_ != nullptr && parser_->thinking();
  // Of what parts reasoning and answer, the newlines of its own are trimmed.
  const bool parts = thinking != thinks || (!thinks && delta.text_bytes == 0 && IsNewlines(tokenizer_.TokenBytes(token)));
  if (!parts && !tokenizer_.IsSpecial(token)) delta.place = thinks ? TokenPlace::kReasoning : TokenPlace::kText;
  return delta;
}

OutputDelta OutputAssembler::AddText(int32_t token) {
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
