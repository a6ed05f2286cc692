// The tools and tool_choice fields, and what messages say of earlier calls.
#ifndef BALEEN_SERVICES_GATEWAY_API_TOOLS_H_
#define BALEEN_SERVICES_GATEWAY_API_TOOLS_H_

#include <boost/json/object.hpp>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/private_text.h"
#include "model/sampling/grammar/grammar_spec.h"
#include "model/tokenizer/chat_template.h"
#include "model/tokenizer/tokenizer.h"
#include "model/tokenizer/tool_call_parser.h"

namespace baleen {

enum class ToolChoice { kAuto, kNone, kRequired };

struct ToolUse {
  std::vector<ChatTool> tools = {};
  ToolChoice choice = ToolChoice::kAuto;
  PrivateText name = {};  // With kRequired: this one; empty = any.
  bool parallel = true;   // Several calls in one answer.
  // Where in the request each tool stands; empty = in order.
  std::vector<size_t> places = {};

  size_t place(size_t tool) const { return places.empty() ? tool : places[tool]; }
  // Whether the model is told of the tools.
  bool offered() const { return !tools.empty() && choice != ToolChoice::kNone; }
};

absl::StatusOr<ToolUse> ReadTools(const boost::json::object& body);

// Names, sizes and that schemas are such, for tools from any API.
absl::Status CheckTools(const ToolUse& use);

// An assistant message's tool_calls; `field` names the message.
absl::StatusOr<std::vector<ChatToolCall>> ReadToolCalls(const boost::json::object& message, absl::string_view field);

ToolCallSyntax SyntaxOf(ChatTemplateKind kind);

// One call of one of the tools that may be called, its arguments after its schema. FAILED_PRECONDITION when the vocabulary lacks the
// control tokens.
absl::StatusOr<GrammarSpec> ToolCallGrammar(const ToolUse& use, ToolCallSyntax syntax, const Tokenizer& tokenizer);

}  // namespace baleen

#endif  // BALEEN_SERVICES_GATEWAY_API_TOOLS_H_
