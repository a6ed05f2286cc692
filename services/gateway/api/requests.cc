#include "services/gateway/api/requests.h"

#include <algorithm>
#include <boost/json.hpp>
#include <limits>

#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "base/status_macros.h"
#include "services/gateway/api/api_error.h"
#include "services/gateway/api/json_fields.h"

namespace baleen {
namespace {

namespace json = boost::json;

// OpenAI's fields that would change the answer and have no effect here: silence about them would be a wrong answer.
struct UnservedField {
  const char* name;
  const char* message;
};

constexpr UnservedField kUnservedInChat[] = {
    {"functions", "is not served: 'tools' took its place."},
    {"function_call", "is not served: 'tool_choice' took its place."},
    {"audio", "is not served: answers are text."},
    {"web_search_options", "is not served: nothing is searched here."},
};

// Other servers' fields that would do so.
constexpr UnservedField kUnservedAnywhere[] = {
    {"guided_json", "is not served: 'response_format' takes a JSON Schema."},
    {"guided_regex", "is not served: 'response_format' takes a JSON Schema."},
    {"guided_choice", "is not served: 'response_format' takes a JSON Schema, also one with an 'enum'."},
    {"guided_grammar", "is not served: 'response_format' takes a JSON Schema."},
    {"structured_outputs", "is not served: 'response_format' takes a JSON Schema."},
    {"stop_token_ids", "is not served: 'stop' takes strings."},
    {"allowed_token_ids", "is not served: 'logit_bias' keeps tokens out."},
    {"bad_words", "is not served: 'logit_bias' keeps tokens out."},
};

constexpr UnservedField kUnservedInCompletions[] = {
    {"suffix", "is not served: a text is gone on with, not filled in."},
};

absl::Status CheckServed(const json::object& body, absl::Span<const UnservedField> unserved) {
  for (const UnservedField& field : unserved) {
    if (FindField(body, field.name) != nullptr) return InvalidField(field.name, field.message);
  }
  return absl::OkStatus();
}

// The one kind of answer there is.
absl::Status CheckModalities(const json::object& body) {
  const json::value* modalities = FindField(body, "modalities");
  if (modalities == nullptr || *modalities == json::value(json::array{"text"})) return absl::OkStatus();
  return InvalidField("modalities", "must be [\"text\"]: answers are text.");
}

// OpenAI's default asks for nothing; its models that know no effort refuse any.
absl::Status CheckReasoningEffort(const json::object& body) {
  ASSIGN_OR_RETURN(const auto effort, ReadString(body, "reasoning_effort"));
  if (!effort || *effort == "medium") return absl::OkStatus();
  return InvalidField("reasoning_effort",
                      "is served as \"medium\" only: models here think as long as they do; 'thinking' turns it on and off.");
}

absl::StatusOr<std::string> ReadModel(const json::object& body) {
  ASSIGN_OR_RETURN(auto model, ReadString(body, "model"));
  if (!model) return InvalidField("model", "is required; GET /v1/models lists what is served.");
  return *std::move(model);
}

absl::StatusOr<StreamSpec> ReadStreamSpec(const json::object& body) {
  StreamSpec spec;
  ASSIGN_OR_RETURN(const auto stream, ReadBool(body, "stream"));
  spec.stream = stream.value_or(false);
  const json::value* options = FindField(body, "stream_options");
  if (options == nullptr) return spec;
  if (!options->is_object()) return InvalidField("stream_options", "must be an object.");
  if (!spec.stream) return InvalidField("stream_options", "is only allowed when 'stream' is true.");
  ASSIGN_OR_RETURN(const auto include_usage, ReadBool(options->as_object(), "include_usage", "stream_options"));
  spec.include_usage = include_usage.value_or(false);
  return spec;
}

// Of {"type": "text", "text": ...}, or of what an assistant declined to say in {"type": "refusal", "refusal": ...}; null for other parts.
const json::string* TextOf(const json::value& part) {
  if (!part.is_object()) return nullptr;
  for (const char* kind : {"text", "refusal"}) {
    const json::value* type = FindField(part.as_object(), "type");
    const json::value* text = FindField(part.as_object(), kind);
    if (type != nullptr && text != nullptr && *type == kind) return text->if_string();
  }
  return nullptr;
}

// A string, or OpenAI's list of such parts.
absl::StatusOr<PrivateText> ReadContent(const json::object& message, bool required, absl::string_view field) {
  const json::value* content = FindField(message, "content");
  if (content == nullptr && required) return InvalidField(field, "is required.");
  if (content == nullptr) return PrivateText();
  if (content->is_string()) return PrivateText(std::string(content->as_string()));
  if (!content->is_array()) return InvalidField(field, "must be a string or a list of text parts.");
  std::string text;
  for (const json::value& part : content->as_array()) {
    const json::string* words = TextOf(part);
    if (words == nullptr) return InvalidField(field, "may hold only parts of type 'text'.");
    text.append(words->data(), words->size());
  }
  return PrivateText(std::move(text));
}

absl::StatusOr<ChatTurn> ReadTurn(const json::object& message, const std::string& field) {
  ChatTurn turn;
  ASSIGN_OR_RETURN(const auto role, ReadString(message, "role", field));
  if (!role) return InvalidField(absl::StrCat(field, ".role"), "is required.");
  ASSIGN_OR_RETURN(turn.role, TemplateRole(*role, absl::StrCat(field, ".role")));
  ASSIGN_OR_RETURN(turn.content, ReadContent(message, turn.role != "assistant", absl::StrCat(field, ".content")));
  ASSIGN_OR_RETURN(turn.tool_calls, ReadToolCalls(message, field));
  ASSIGN_OR_RETURN(const auto prefix, ReadBool(message, "prefix", field));
  turn.prefix = prefix.value_or(false);
  ASSIGN_OR_RETURN(auto reasoning, ReadString(message, "reasoning_content", field));
  if (turn.prefix) turn.reasoning = PrivateText(std::move(reasoning).value_or(""));
  return turn;
}

// OpenAI and DeepSeek refuse a result that answers no call; a template would render it into a conversation that no model was trained on.
class CallIds {
 public:
  absl::Status Follow(const json::object& message, const std::string& role, const std::string& field) {
    ASSIGN_OR_RETURN(const auto answered, ReadString(message, "tool_call_id", field));
    if (role == "tool") return CheckAnswer(answered, absl::StrCat(field, ".tool_call_id"));
    asked_.clear();
    const json::value* calls = FindField(message, "tool_calls");
    if (calls == nullptr) return absl::OkStatus();
    for (size_t i = 0; i < calls->as_array().size(); ++i) {
      ASSIGN_OR_RETURN(auto id, ReadString(calls->as_array()[i].as_object(), "id", absl::StrCat(field, ".tool_calls[", i, "]")));
      if (id) asked_.push_back(*std::move(id));
    }
    return absl::OkStatus();
  }

 private:
  absl::Status CheckAnswer(const std::optional<std::string>& id, const std::string& field) const {
    if (!id) return InvalidField(field, "is required: which of the assistant's 'tool_calls' this message answers.");
    if (std::find(asked_.begin(), asked_.end(), *id) != asked_.end()) return absl::OkStatus();
    return InvalidField(field, "answers no call: the assistant's message before has none with this 'id'.");
  }

  std::vector<std::string> asked_;  // By the last message that is no tool's.
};

absl::StatusOr<std::vector<ChatTurn>> ReadTurns(const json::object& body) {
  const json::value* messages = FindField(body, "messages");
  if (messages == nullptr) return InvalidField("messages", "is required.");
  if (!messages->is_array() || messages->as_array().empty()) return InvalidField("messages", "must be a list with at least one message.");
  if (messages->as_array().size() > kMaxMessages)
    return InvalidField("messages", absl::StrCat("may hold at most ", kMaxMessages, " messages."));
  std::vector<ChatTurn> turns;
  CallIds calls;
  for (size_t i = 0; i < messages->as_array().size(); ++i) {
    const json::value& message = messages->as_array()[i];
    const std::string field = absl::StrCat("messages[", i, "]");
    if (!message.is_object()) return InvalidField(field, "must be an object.");
    ASSIGN_OR_RETURN(ChatTurn turn, ReadTurn(message.as_object(), field));
    RETURN_IF_ERROR(calls.Follow(message.as_object(), turn.role, field));
    if (turn.prefix && i + 1 != messages->as_array().size())
      return InvalidField(absl::StrCat(field, ".prefix"), "may be set on the last message only.");
    turns.push_back(std::move(turn));
  }
  return turns;
}

// DeepSeek's field, or the argument that other servers take for the template; the former counts.
absl::StatusOr<std::optional<bool>> ReadThinking(const json::object& body) {
  std::optional<bool> wanted;
  if (const json::value* arguments = FindField(body, "chat_template_kwargs")) {
    if (!arguments->is_object()) return InvalidField("chat_template_kwargs", "must be an object.");
    ASSIGN_OR_RETURN(wanted, ReadBool(arguments->as_object(), "thinking", "chat_template_kwargs"));
  }
  const json::value* thinking = FindField(body, "thinking");
  if (thinking == nullptr) return wanted;
  if (!thinking->is_object()) return InvalidField("thinking", "must be an object such as {\"type\": \"enabled\"}.");
  ASSIGN_OR_RETURN(const auto type, ReadString(thinking->as_object(), "type", "thinking"));
  if (type != "enabled" && type != "disabled") return InvalidField("thinking", "needs the type enabled or disabled.");
  return std::optional<bool>(type == "enabled");
}

absl::StatusOr<int> ReadChatLogprobs(const json::object& body) {
  ASSIGN_OR_RETURN(const auto wanted, ReadBool(body, "logprobs"));
  ASSIGN_OR_RETURN(const auto top, ReadInteger(body, kTopLogprobsField));
  if (top && !wanted.value_or(false)) return InvalidField("top_logprobs", "needs 'logprobs': true.");
  return wanted.value_or(false) ? static_cast<int>(top.value_or(0)) : -1;
}

absl::StatusOr<std::vector<int32_t>> ReadTokenIds(const json::array& array) {
  std::vector<int32_t> ids;
  ids.reserve(array.size());
  for (const json::value& item : array) {
    json::error_code error;
    const int64_t id = item.is_number() ? item.to_number<int64_t>(error) : -1;
    if (error || id < 0 || id > std::numeric_limits<int32_t>::max())
      return InvalidField("prompt", "token ids must be non-negative integers.");
    ids.push_back(static_cast<int32_t>(id));
  }
  return ids;
}

absl::StatusOr<std::variant<PrivateText, std::vector<int32_t>>> ReadPrompt(const json::object& body) {
  const json::value* prompt = FindField(body, "prompt");
  if (prompt == nullptr) return InvalidField("prompt", "is required.");
  if (prompt->is_string()) return PrivateText(std::string(prompt->as_string()));
  if (!prompt->is_array() || prompt->as_array().empty())
    return InvalidField("prompt", "must be a string or a non-empty list of token ids.");
  const json::array& list = prompt->as_array();
  const bool nested = list[0].is_string() || list[0].is_array();
  if (nested && list.size() > 1)
    return InvalidField("prompt", "may hold one prompt per request; send several requests for several prompts.");
  if (list[0].is_string()) return PrivateText(std::string(list[0].as_string()));
  const json::array& ids = list[0].is_array() ? list[0].as_array() : list;
  if (ids.empty()) return InvalidField("prompt", "must not be an empty list.");
  return ReadTokenIds(ids);
}

}  // namespace

absl::StatusOr<std::string> TemplateRole(const std::string& role, absl::string_view field) {
  if (role == "developer") return std::string("system");
  for (const char* known : {"system", "user", "assistant", "tool"}) {
    if (role == known) return role;
  }
  return InvalidField(field, "must be one of system, developer, user, assistant, tool.");
}

absl::StatusOr<ChatCall> ReadChatPrompt(const json::object& body) {
  ChatCall call;
  ASSIGN_OR_RETURN(call.turns, ReadTurns(body));
  ASSIGN_OR_RETURN(call.thinking, ReadThinking(body));
  ASSIGN_OR_RETURN(call.tools, ReadTools(body));
  return call;
}

absl::StatusOr<ChatCall> ParseChatCall(absl::string_view body, const GenerationSpec& defaults) {
  ASSIGN_OR_RETURN(const json::object object, ParseBody(body));
  RETURN_IF_ERROR(CheckServed(object, kUnservedInChat));
  RETURN_IF_ERROR(CheckServed(object, kUnservedAnywhere));
  RETURN_IF_ERROR(CheckModalities(object));
  RETURN_IF_ERROR(CheckReasoningEffort(object));
  ASSIGN_OR_RETURN(std::string model, ReadModel(object));
  ASSIGN_OR_RETURN(ChatCall call, ReadChatPrompt(object));
  call.model = std::move(model);
  ASSIGN_OR_RETURN(call.generation, ReadGenerationSpec(object, defaults));
  ASSIGN_OR_RETURN(call.generation.logprobs, ReadChatLogprobs(object));
  ASSIGN_OR_RETURN(call.stream, ReadStreamSpec(object));
  return call;
}

absl::StatusOr<CompletionCall> ParseCompletionCall(absl::string_view body, const GenerationSpec& defaults) {
  constexpr int64_t kDefaultMaxTokens = 16;
  ASSIGN_OR_RETURN(const json::object object, ParseBody(body));
  RETURN_IF_ERROR(CheckServed(object, kUnservedInCompletions));
  RETURN_IF_ERROR(CheckServed(object, kUnservedAnywhere));
  CompletionCall call;
  ASSIGN_OR_RETURN(call.model, ReadModel(object));
  ASSIGN_OR_RETURN(call.prompt, ReadPrompt(object));
  ASSIGN_OR_RETURN(call.generation, ReadGenerationSpec(object, defaults));
  if (!call.generation.max_tokens) call.generation.max_tokens = std::max(kDefaultMaxTokens, call.generation.min_tokens);
  ASSIGN_OR_RETURN(const auto best_of, ReadInteger(object, "best_of", 1, kMaxChoices));
  if (best_of && *best_of != call.generation.choices) return InvalidField("best_of", "must be 'n': every answer is given out.");
  ASSIGN_OR_RETURN(const auto logprobs, ReadInteger(object, kCompletionLogprobsField));
  call.generation.logprobs = logprobs ? static_cast<int>(*logprobs) : -1;
  ASSIGN_OR_RETURN(const auto echo, ReadBool(object, "echo"));
  call.echo = echo.value_or(false);
  ASSIGN_OR_RETURN(call.stream, ReadStreamSpec(object));
  return call;
}

}  // namespace baleen
