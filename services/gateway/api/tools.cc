#include "services/gateway/api/tools.h"

#include <algorithm>
#include <boost/json.hpp>
#include <set>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "model/sampling/grammar/json_schema_keywords.h"
#include "services/gateway/api/api_error.h"
#include "services/gateway/api/fields.h"
#include "services/gateway/api/json_fields.h"
#include "services/gateway/api/response_format.h"

namespace baleen {
namespace {

namespace json = boost::json;

constexpr size_t kNameBytesMax = 64;
constexpr size_t kCallsMax = 128;

absl::Status UnknownChoice() { return InvalidField("tool_choice", "names a function that 'tools' does not have."); }

absl::StatusOr<const json::object*> FunctionOf(const json::value& value, const std::string& field) {
  const json::object* entry = value.if_object();
  const json::value* type = entry != nullptr ? FindField(*entry, "type") : nullptr;
  if (type != nullptr && (!type->is_string() || type->as_string() != "function"))
    return InvalidField(field, "must have the type 'function'.");
  const json::value* function = entry != nullptr ? FindField(*entry, "function") : nullptr;
  if (function == nullptr || !function->is_object()) return InvalidField(field, "must be an object with a 'function'.");
  return &function->as_object();
}

absl::StatusOr<ChatTool> ReadTool(const json::value& value, const std::string& field) {
  ASSIGN_OR_RETURN(const json::object* function, FunctionOf(value, field));
  const std::string within = field + ".function";
  ASSIGN_OR_RETURN(auto name, ReadString(*function, "name", within));
  if (!name) return InvalidField(absl::StrCat(within, ".name"), "is required.");
  ASSIGN_OR_RETURN(auto description, ReadString(*function, "description", within));
  const json::value* parameters = FindField(*function, "parameters");
  if (parameters != nullptr && !parameters->is_object()) {
    return InvalidField(absl::StrCat(within, ".parameters"), "must be a JSON Schema object.");
  }
  return ChatTool{PrivateText(*std::move(name)), PrivateText(std::move(description).value_or("")),
                  PrivateText(parameters == nullptr ? kJsonObjectSchema : json::serialize(*parameters))};
}

absl::StatusOr<PrivateText> ChosenName(const json::value& choice) {
  ASSIGN_OR_RETURN(const json::object* function, FunctionOf(choice, "tool_choice"));
  ASSIGN_OR_RETURN(auto name, ReadString(*function, "name", "tool_choice.function"));
  if (!name) return InvalidField("tool_choice", "must name a function.");
  return PrivateText(*std::move(name));
}

// The model is told of these tools only.
absl::Status ReadAllowed(const json::object& choice, ToolUse* use) {
  const json::value* allowed = FindField(choice, "allowed_tools");
  const json::value* list = allowed != nullptr && allowed->is_object() ? FindField(allowed->as_object(), "tools") : nullptr;
  if (list == nullptr || !list->is_array()) return InvalidField("tool_choice", "needs a list of functions in 'allowed_tools.tools'.");
  ASSIGN_OR_RETURN(const auto mode, ReadString(allowed->as_object(), "mode", "tool_choice.allowed_tools"));
  if (mode != "auto" && mode != "required") return InvalidField("tool_choice", "needs 'allowed_tools.mode' to be auto or required.");
  use->choice = mode == "auto" ? ToolChoice::kAuto : ToolChoice::kRequired;
  std::vector<ChatTool> kept;
  for (const json::value& item : list->as_array()) {
    ASSIGN_OR_RETURN(const PrivateText name, ChosenName(item));
    const auto named = std::find_if(use->tools.begin(), use->tools.end(), [&name](const ChatTool& tool) { return tool.name == name; });
    if (named == use->tools.end()) return UnknownChoice();
    const size_t place = static_cast<size_t>(named - use->tools.begin());
    if (std::find(use->places.begin(), use->places.end(), place) != use->places.end()) {
      return InvalidField("tool_choice", "names a function twice.");
    }
    use->places.push_back(place);
    kept.push_back(*named);
  }
  use->tools = std::move(kept);
  return absl::OkStatus();
}

absl::Status ReadChoice(const json::object& body, ToolUse* use) {
  const json::value* choice = FindField(body, "tool_choice");
  if (choice == nullptr) return absl::OkStatus();
  if (const json::object* form = choice->if_object()) {
    const json::value* type = FindField(*form, "type");
    if (type != nullptr && *type == "allowed_tools") return ReadAllowed(*form, use);
    ASSIGN_OR_RETURN(use->name, ChosenName(*choice));
    use->choice = ToolChoice::kRequired;
    return absl::OkStatus();
  }
  const std::string text = choice->is_string() ? std::string(choice->as_string()) : "";
  if (text != "auto" && text != "none" && text != "required")
    return InvalidField("tool_choice", "must be auto, none, required or a function.");
  use->choice = text == "auto" ? ToolChoice::kAuto : text == "none" ? ToolChoice::kNone : ToolChoice::kRequired;
  return absl::OkStatus();
}

bool IsName(absl::string_view name) {
  return !name.empty() && name.size() <= kNameBytesMax && std::all_of(name.begin(), name.end(), [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '-';
  });
}

absl::Status CheckList(const std::vector<ChatTool>& tools) {
  if (tools.size() > kMaxTools) return InvalidField("tools", absl::StrCat("may hold at most ", kMaxTools, " functions."));
  std::set<absl::string_view> names;
  for (size_t i = 0; i < tools.size(); ++i) {
    const std::string field = absl::StrCat("tools[", i, "].function");
    if (!IsName(tools[i].name.reveal())) {
      return InvalidField(absl::StrCat(field, ".name"),
                          absl::StrCat("must have 1 to ", kNameBytesMax, " letters, digits, underscores and dashes."));
    }
    if (!names.insert(tools[i].name.reveal()).second)
      return InvalidField(absl::StrCat(field, ".name"), "is the name of an earlier function.");
    const absl::Status schema = CheckJsonSchema(tools[i].parameters.reveal());
    if (!schema.ok()) return InvalidField(absl::StrCat(field, ".parameters"), absl::StrCat("is no JSON Schema: ", schema.message(), "."));
  }
  return absl::OkStatus();
}

absl::Status CheckChoice(const ToolUse& use) {
  if (use.choice != ToolChoice::kRequired) return absl::OkStatus();
  if (use.tools.empty()) return InvalidField("tool_choice", "asks for a call, but 'tools' is empty.");
  const auto named = [&use](const ChatTool& tool) { return tool.name == use.name; };
  if (!use.name.empty() && std::none_of(use.tools.begin(), use.tools.end(), named)) return UnknownChoice();
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<ToolUse> ReadTools(const json::object& body) {
  ToolUse use;
  if (const json::value* tools = FindField(body, "tools")) {
    if (!tools->is_array()) return InvalidField("tools", "must be a list of functions.");
    if (tools->as_array().size() > kMaxTools) return InvalidField("tools", absl::StrCat("may hold at most ", kMaxTools, " functions."));
    for (size_t i = 0; i < tools->as_array().size(); ++i) {
      ASSIGN_OR_RETURN(ChatTool tool, ReadTool(tools->as_array()[i], absl::StrCat("tools[", i, "]")));
      use.tools.push_back(std::move(tool));
    }
  }
  RETURN_IF_ERROR(CheckList(use.tools));
  RETURN_IF_ERROR(ReadChoice(body, &use));
  ASSIGN_OR_RETURN(const auto parallel, ReadBool(body, "parallel_tool_calls"));
  use.parallel = parallel.value_or(true);
  RETURN_IF_ERROR(CheckChoice(use));
  return use;
}

absl::Status CheckTools(const ToolUse& use) {
  RETURN_IF_ERROR(CheckList(use.tools));
  return CheckChoice(use);
}

absl::StatusOr<std::vector<ChatToolCall>> ReadToolCalls(const json::object& message, absl::string_view field) {
  std::vector<ChatToolCall> calls;
  const json::value* list = FindField(message, "tool_calls");
  if (list == nullptr) return calls;
  const std::string name_of_list = absl::StrCat(field, ".tool_calls");
  if (!list->is_array() || list->as_array().size() > kCallsMax) {
    return InvalidField(name_of_list, absl::StrCat("must be a list of at most ", kCallsMax, " calls."));
  }
  for (size_t i = 0; i < list->as_array().size(); ++i) {
    const std::string call = absl::StrCat(name_of_list, "[", i, "]");
    ASSIGN_OR_RETURN(const json::object* function, FunctionOf(list->as_array()[i], call));
    ASSIGN_OR_RETURN(auto name, ReadString(*function, "name", call + ".function"));
    ASSIGN_OR_RETURN(auto arguments, ReadString(*function, "arguments", call + ".function"));
    if (!name || !arguments) return InvalidField(call, "needs a 'name' and 'arguments', which is JSON in a string.");
    calls.push_back({PrivateText(*std::move(name)), PrivateText(*std::move(arguments))});
  }
  return calls;
}

ToolCallSyntax SyntaxOf(ChatTemplateKind kind) { return kind == ChatTemplateKind::kV31 ? ToolCallSyntax::kPlain : ToolCallSyntax::kFenced; }

absl::StatusOr<GrammarSpec> ToolCallGrammar(const ToolUse& use, ToolCallSyntax syntax, const Tokenizer& tokenizer) {
  std::vector<GrammarPiece> marks;
  for (const char* mark :
       {"<｜tool▁calls▁begin｜>", "<｜tool▁call▁begin｜>", "<｜tool▁sep｜>", "<｜tool▁call▁end｜>", "<｜tool▁calls▁end｜>"}) {
    const absl::optional<int32_t> id = tokenizer.AddedTokenId(mark);
    if (!id) return absl::FailedPreconditionError(absl::StrCat("'tool_choice' cannot ask for a call: this model has no token ", mark, "."));
    marks.emplace_back(GrammarToken{*id});
  }
  const bool fenced = syntax == ToolCallSyntax::kFenced;
  GrammarSpec spec;
  for (const ChatTool& tool : use.tools) {
    if (!use.name.empty() && !(tool.name == use.name)) continue;
    std::vector<GrammarPiece> pieces = {marks[0], marks[1]};
    pieces.emplace_back(GrammarLiteral{fenced ? "function" : tool.name.reveal()});
    pieces.push_back(marks[2]);
    if (fenced) pieces.emplace_back(GrammarLiteral{absl::StrCat(tool.name.reveal(), "\n```json\n")});
    pieces.emplace_back(GrammarJsonSchema{tool.parameters.reveal()});
    if (fenced) pieces.emplace_back(GrammarLiteral{"\n```"});
    pieces.push_back(marks[3]);
    pieces.push_back(marks[4]);
    spec.alternatives.push_back(std::move(pieces));
  }
  return spec;
}

}  // namespace baleen
