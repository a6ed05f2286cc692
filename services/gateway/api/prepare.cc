#include "services/gateway/api/prepare.h"

#include <openssl/rand.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "model/sampling/grammar/grammar.h"
#include "model/sampling/grammar/json_grammar.h"
#include "model/sampling/grammar/json_schema.h"
#include "model/tokenizer/detokenizer.h"
#include "services/common/request_id.h"
#include "services/gateway/api/api_error.h"
#include "services/gateway/api/fields.h"

namespace baleen {
namespace {

constexpr int64_t kDefaultMaxTokens = 4096;
constexpr double kLeastTopP = 1e-6;  // Below the likeliest token's share in any vocabulary: it stays alone. Workers ask for more than 0.

absl::Status CheckBiasIds(const ServedModel& model, const GenerationSpec& spec) {
  for (const auto& [id, bias] : spec.logit_bias) {
    if (id >= model.tokenizer->size()) {
      return InvalidField("logit_bias",
                          absl::StrCat("holds token id ", id, "; this model's ids end at ", model.tokenizer->size() - 1, "."));
    }
  }
  return absl::OkStatus();
}

// A prompt that cannot fit is not tokenised at all.
absl::Status CheckLeastTokens(const ServedModel& model, const char* field, int64_t least) {
  if (least < model.max_position_embeddings) return absl::OkStatus();
  return InvalidField(field, absl::StrCat("has at least ", least, " tokens; this model's context holds ", model.max_position_embeddings,
                                          ", the answer included."));
}

// Fills id, seed and max_tokens; checks the lengths.
absl::Status Complete(const ServedModel& model, const char* field, GenerationInput* input) {
  const int64_t prompt = static_cast<int64_t>(input->prompt.size());
  const int64_t room = model.max_position_embeddings - prompt;
  if (prompt == 0) return InvalidField(field, "must not be empty.");
  if (room < 1) {
    return InvalidField(field, absl::StrCat("has ", prompt, " tokens; this model's context holds ", model.max_position_embeddings,
                                            ", the answer included."));
  }
  GenerationSpec& spec = input->spec;
  const auto check_room = [&](const char* wanted, int64_t tokens) {
    if (tokens <= room) return absl::OkStatus();
    return InvalidField(wanted, absl::StrCat("of ", tokens, " does not fit: the prompt has ", prompt,
                                             " tokens and this model's context holds ", model.max_position_embeddings, "."));
  };
  RETURN_IF_ERROR(check_room(kMinTokensField.name, spec.min_tokens));
  if (!spec.max_tokens) spec.max_tokens = std::min(room, std::max(kDefaultMaxTokens, spec.min_tokens));
  RETURN_IF_ERROR(check_room(spec.max_tokens_name, *spec.max_tokens));
  spec.top_p = std::max(spec.top_p, kLeastTopP);
  RETURN_IF_ERROR(CheckBiasIds(model, spec));
  input->request_id = NewRequestId();
  if (!spec.seed) {
    uint64_t seed = 0;
    if (RAND_bytes(reinterpret_cast<unsigned char*>(&seed), sizeof(seed)) != 1) return absl::InternalError("no randomness from the system");
    spec.seed = seed;
  }
  return absl::OkStatus();
}

absl::Status Unkept(absl::string_view field, const absl::Status& status) {
  return InvalidField(field, absl::StrCat("has a schema that cannot be kept: ", status.message(), "."));
}

absl::Status CheckGrammar(const GrammarSpec& grammar, const char* field) {
  const absl::Status status = CompileGrammar(grammar).status();
  return status.ok() ? status : Unkept(field, status);
}

// Which tool's schema it is that cannot be kept, or else that all of them together cannot.
absl::Status CheckToolGrammar(const GrammarSpec& grammar, const ToolUse& tools) {
  absl::Status together = CheckGrammar(grammar, "tools");
  if (together.ok()) return together;
  GrammarBuilder builder;
  JsonGrammar json(&builder);
  for (size_t i = 0; i < tools.tools.size(); ++i) {
    const ChatTool& tool = tools.tools[i];
    if (!tools.name.empty() && !(tool.name == tools.name)) continue;
    const absl::Status schema = AddJsonSchema(tool.parameters.reveal(), &json, &builder).status();
    if (!schema.ok()) return Unkept(absl::StrCat("tools[", tools.place(i), "].function.parameters"), schema);
  }
  return together;
}

// The template names a message before what is wrong with it.
absl::Status AsField(const absl::Status& status) {
  const absl::string_view message = status.message();
  const size_t colon = message.find(": ");
  if (!absl::IsInvalidArgument(status) || colon == absl::string_view::npos) return status;
  return InvalidField(message.substr(0, colon), absl::StrCat(message.substr(colon + 2), "."));
}

// Fills spec.grammar from the format and the tools.
absl::Status Constrain(const ServedModel& model, const ToolUse& tools, GenerationInput* input) {
  GenerationSpec& spec = input->spec;
  if (tools.choice == ToolChoice::kRequired) {
    if (spec.response_schema) return InvalidField("response_format", "cannot go with a 'tool_choice' that asks for a call.");
    if (spec.ignore_eos || spec.min_tokens > 0)
      return InvalidField("tool_choice", "that asks for a call cannot go with 'ignore_eos' or 'min_tokens'.");
    ASSIGN_OR_RETURN(spec.grammar, ToolCallGrammar(tools, SyntaxOf(model.chat_template), *model.tokenizer));
  } else if (spec.response_schema) {
    spec.grammar.alternatives = {{GrammarJsonSchema{*spec.response_schema}}};
  } else {
    return absl::OkStatus();
  }
  if (input->opens_thinking) {
    spec.grammar.after_token = model.tokenizer->AddedTokenId("</think>");
    if (!spec.grammar.after_token)
      return absl::FailedPreconditionError("This model has no </think> token, so its answers cannot be constrained.");
  }
  return tools.choice == ToolChoice::kRequired ? CheckToolGrammar(spec.grammar, tools) : CheckGrammar(spec.grammar, "response_format");
}

absl::Status CheckPrefix(const ChatCall& call) {
  if (call.generation.response_schema && !call.turns.empty() && call.turns.back().prefix && !call.turns.back().content.empty()) {
    return InvalidField("response_format", "cannot go with the content of a 'prefix': the answer would begin a document of its own.");
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<int32_t>> PromptIds(const ServedModel& model, const CompletionCall& call) {
  if (const auto* text = std::get_if<PrivateText>(&call.prompt)) {
    std::vector<int32_t> ids = {model.bos_token_id};
    const std::vector<int32_t> rest = model.tokenizer->Encode(text->reveal(), AddedTokens::kText);
    ids.insert(ids.end(), rest.begin(), rest.end());
    return ids;
  }
  const std::vector<int32_t>& ids = std::get<std::vector<int32_t>>(call.prompt);
  for (const int32_t id : ids) {
    if (id >= model.tokenizer->size()) {
      return InvalidField("prompt", absl::StrCat("holds token id ", id, "; this model's ids end at ", model.tokenizer->size() - 1, "."));
    }
  }
  return ids;
}

// Of what an assistant said earlier templates may drop the thinking.
size_t LeastBytes(const ChatTurn& turn) {
  if (turn.role != "assistant") return turn.content.size();
  size_t bytes = AfterLastThink(turn.content.reveal()).size();
  for (const ChatToolCall& tool_call : turn.tool_calls) bytes += tool_call.name.size() + tool_call.arguments.size();
  return bytes;
}

size_t LeastToolBytes(const ChatCall& call) {
  size_t bytes = 0;
  if (!call.tools.offered()) return bytes;
  for (const ChatTool& tool : call.tools.tools) bytes += tool.name.size() + tool.description.size() + tool.parameters.size();
  return bytes;
}

}  // namespace

int64_t LeastPromptTokens(const ServedModel& model, const ChatCall& call) {
  size_t bytes = LeastToolBytes(call);
  for (const ChatTurn& turn : call.turns) bytes += LeastBytes(turn);
  return static_cast<int64_t>(bytes) / model.longest_token_bytes;
}

int64_t LeastPromptTokens(const ServedModel& model, const CompletionCall& call) {
  if (const auto* ids = std::get_if<std::vector<int32_t>>(&call.prompt)) return static_cast<int64_t>(ids->size());
  return static_cast<int64_t>(std::get<PrivateText>(call.prompt).size()) / model.longest_token_bytes;
}

absl::StatusOr<RenderedChat> RenderCall(const ServedModel& model, const ChatCall& call) {
  if (model.chat_template == ChatTemplateKind::kR1 && call.thinking == false) {
    return InvalidField("thinking", "cannot be disabled: this model always thinks.");
  }
  const absl::optional<bool> thinking = call.thinking ? absl::optional<bool>(*call.thinking) : absl::nullopt;
  const std::vector<ChatTool> no_tools;
  const std::vector<ChatTool>& tools = call.tools.offered() ? call.tools.tools : no_tools;
  absl::StatusOr<RenderedChat> chat = RenderChat(model.chat_template, call.turns, thinking, *model.tokenizer, tools);
  if (!chat.ok()) return AsField(chat.status());
  return chat;
}

absl::StatusOr<GenerationInput> PrepareChat(const ServedModel& model, const ChatCall& call, absl::Time deadline) {
  RETURN_IF_ERROR(model.CheckName(call.model));
  RETURN_IF_ERROR(CheckLeastTokens(model, "tools", static_cast<int64_t>(LeastToolBytes(call)) / model.longest_token_bytes));
  RETURN_IF_ERROR(CheckLeastTokens(model, "messages", LeastPromptTokens(model, call)));
  RETURN_IF_ERROR(CheckPrefix(call));
  ASSIGN_OR_RETURN(RenderedChat chat, RenderCall(model, call));
  GenerationInput input;
  input.prompt = std::move(chat.ids);
  input.split_reasoning = true;
  input.opens_thinking = chat.opens_thinking;
  input.spec = call.generation;
  input.deadline = deadline;
  if (call.tools.offered()) input.tool_calls = SyntaxOf(model.chat_template);
  input.single_tool_call = !call.tools.parallel;
  RETURN_IF_ERROR(Constrain(model, call.tools, &input));
  RETURN_IF_ERROR(Complete(model, "messages", &input));
  return input;
}

absl::StatusOr<GenerationInput> PrepareCompletion(const ServedModel& model, const CompletionCall& call, absl::Time deadline) {
  RETURN_IF_ERROR(model.CheckName(call.model));
  RETURN_IF_ERROR(CheckLeastTokens(model, "prompt", LeastPromptTokens(model, call)));
  GenerationInput input;
  ASSIGN_OR_RETURN(input.prompt, PromptIds(model, call));
  input.spec = call.generation;
  input.deadline = deadline;
  if (call.echo) {
    if (input.spec.logprobs >= 0) return InvalidField("echo", "cannot go with 'logprobs': the prompt's tokens have none here.");
    const auto* text = std::get_if<PrivateText>(&call.prompt);
    input.echo = text != nullptr ? *text : PrivateText(Detokenize(*model.tokenizer, input.prompt, /*skip_special=*/true));
  }
  RETURN_IF_ERROR(Constrain(model, ToolUse(), &input));
  RETURN_IF_ERROR(Complete(model, "prompt", &input));
  return input;
}

}  // namespace baleen
