#include "model/tokenizer/chat_template.h"

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace baleen {
namespace {

constexpr absl::string_view kBos = "<｜begin▁of▁sentence｜>";
constexpr absl::string_view kEos = "<｜end▁of▁sentence｜>";
constexpr absl::string_view kUser = "<｜User｜>";
constexpr absl::string_view kAssistant = "<｜Assistant｜>";
constexpr absl::string_view kThink = "<think>";
constexpr absl::string_view kEndThink = "</think>";
constexpr absl::string_view kCallsBegin = "<｜tool▁calls▁begin｜>";
constexpr absl::string_view kCallsEnd = "<｜tool▁calls▁end｜>";
constexpr absl::string_view kCallBegin = "<｜tool▁call▁begin｜>";
constexpr absl::string_view kCallEnd = "<｜tool▁call▁end｜>";
constexpr absl::string_view kOutputsBegin = "<｜tool▁outputs▁begin｜>";
constexpr absl::string_view kOutputsEnd = "<｜tool▁outputs▁end｜>";
constexpr absl::string_view kOutputBegin = "<｜tool▁output▁begin｜>";
constexpr absl::string_view kOutputEnd = "<｜tool▁output▁end｜>";
constexpr absl::string_view kSeparator = "<｜tool▁sep｜>";

// Collects ids. Text between two control tokens is encoded as one, since words may span its parts.
class Writer {
 public:
  explicit Writer(const Tokenizer& tokenizer) : tokenizer_(tokenizer) {}

  Writer& Text(absl::string_view text) {
    text_.append(text.data(), text.size());
    return *this;
  }

  Writer& Text(const PrivateText& text) { return Text(text.reveal()); }

  Writer& Control(absl::string_view token) {
    Flush();
    if (const absl::optional<int32_t> id = tokenizer_.AddedTokenId(token)) {
      ids_.push_back(*id);
    } else if (status_.ok()) {
      status_ = absl::FailedPreconditionError(absl::StrCat("the tokenizer has no token ", token, ", which the chat template needs"));
    }
    return *this;
  }

  absl::StatusOr<std::vector<int32_t>> Finish() {
    Flush();
    if (!status_.ok()) return status_;
    return std::move(ids_);
  }

 private:
  void Flush() {
    for (int32_t id : tokenizer_.Encode(text_, AddedTokens::kText)) ids_.push_back(id);
    text_.clear();
  }

  const Tokenizer& tokenizer_;
  std::string text_;
  std::vector<int32_t> ids_;
  absl::Status status_;
};

absl::Status CheckTurns(const std::vector<ChatTurn>& turns) {
  if (turns.empty()) return absl::InvalidArgumentError("messages: must not be empty");
  for (size_t i = 0; i < turns.size(); ++i) {
    const ChatTurn& turn = turns[i];
    if (turn.role != "system" && turn.role != "user" && turn.role != "assistant" && turn.role != "tool") {
      return absl::InvalidArgumentError(absl::StrCat("messages[", i, "].role: must be system, user, assistant or tool"));
    }
    if (!turn.tool_calls.empty() && turn.role != "assistant") {
      return absl::InvalidArgumentError(absl::StrCat("messages[", i, "].tool_calls: may be set on an assistant message only"));
    }
    if (turn.prefix && (turn.role != "assistant" || i + 1 != turns.size())) {
      return absl::InvalidArgumentError(absl::StrCat("messages[", i, "].prefix: may be set on the last message only, an assistant's"));
    }
  }
  return absl::OkStatus();
}

PrivateText LastSystem(const std::vector<ChatTurn>& turns) {
  PrivateText system;
  for (const ChatTurn& turn : turns) {
    if (turn.role == "system") system = turn.content;
  }
  return system;
}

PrivateText JoinedSystem(const std::vector<ChatTurn>& turns) {
  PrivateText system;
  bool first = true;
  for (const ChatTurn& turn : turns) {
    if (turn.role != "system") continue;
    if (!first) system.Append(PrivateText("\n\n"));
    system.Append(turn.content);
    first = false;
  }
  return system;
}

absl::string_view AfterFirstThink(absl::string_view content) {
  const size_t at = content.find(kEndThink);
  return at == absl::string_view::npos ? content : content.substr(at + kEndThink.size());
}

// One call's form, as the declaration shows it.
void WriteCallForm(ChatTemplateKind kind, Writer* out) {
  out->Control(kCallsBegin).Control(kCallBegin);
  if (kind == ChatTemplateKind::kV31) {
    out->Text("tool_call_name").Control(kSeparator).Text("tool_call_arguments");
  } else {
    out->Text("function").Control(kSeparator).Text("tool_call_name\n```json\ntool_call_arguments\n```");
  }
  out->Control(kCallEnd).Text("{additional_tool_calls}").Control(kCallsEnd);
}

absl::Status CheckNoTools(const std::vector<ChatTurn>& turns, const std::vector<ChatTool>& tools) {
  if (!tools.empty()) return absl::InvalidArgumentError("tools: this model's chat template knows none");
  for (size_t i = 0; i < turns.size(); ++i) {
    if (turns[i].role != "tool" && turns[i].tool_calls.empty()) continue;
    return absl::InvalidArgumentError(absl::StrCat("messages[", i, "]: this model's chat template knows no tools"));
  }
  return absl::OkStatus();
}

// The words are those of DeepSeek-V3.1's model card.
void WriteTools(ChatTemplateKind kind, const std::vector<ChatTool>& tools, Writer* out) {
  if (tools.empty()) return;
  out->Text("\n\n## Tools\nYou have access to the following tools:\n");
  for (const ChatTool& tool : tools) {
    out->Text("\n### ").Text(tool.name).Text("\nDescription: ").Text(tool.description);
    out->Text("\n\nParameters: ").Text(tool.parameters).Text("\n");
  }
  out->Text("\nIMPORTANT: ALWAYS adhere to this exact format for tool use:\n");
  WriteCallForm(kind, out);
  out->Text(
      "\n\nWhere:\n\n- `tool_call_name` must be an exact match to one of the available tools\n- `tool_call_arguments` must be valid JSON "
      "that "
      "strictly follows the tool's Parameters Schema\n- For multiple tool calls, chain them directly without separators or spaces\n");
}

// What the completion goes on from. Returns whether <think> is open.
bool WritePrefix(const ChatTurn& turn, Writer* out) {
  if (turn.reasoning.empty()) {
    out->Text(turn.content);
    return false;
  }
  out->Control(kThink).Text("\n").Text(turn.reasoning);
  if (turn.content.empty()) return true;
  out->Text("\n").Control(kEndThink).Text("\n\n").Text(turn.content);
  return false;
}

// Marks are text. Returns whether the prompt opened <think>, as the others do.
bool WriteV2(const std::vector<ChatTurn>& turns, Writer* out) {
  out->Control(kBos);
  for (const ChatTurn& turn : turns) {
    if (turn.prefix) return WritePrefix(turn, &out->Text("Assistant: "));
    if (turn.role == "assistant") {
      out->Text("Assistant: ").Text(turn.content).Control(kEos);
    } else {
      out->Text(turn.role == "user" ? "User: " : "").Text(turn.content).Text("\n\n");
    }
  }
  out->Text("Assistant:");
  return false;
}

// V3 kinds and R1: fenced calls.
void WriteCalls(const ChatTurn& turn, Writer* out) {
  out->Control(kAssistant).Text(turn.content).Control(kCallsBegin);
  bool first = true;
  for (const ChatToolCall& call : turn.tool_calls) {
    if (!first) out->Text("\n");
    first = false;
    out->Control(kCallBegin).Text("function").Control(kSeparator);
    out->Text(call.name).Text("\n```json\n").Text(call.arguments).Text("\n```").Control(kCallEnd);
  }
  out->Control(kCallsEnd).Control(kEos);
}

// V3 kinds and R1: a run of tool turns has one wrapper.
void WriteOutput(const ChatTurn& turn, bool in_run, Writer* out) {
  if (in_run) {
    out->Text("\n");
  } else {
    out->Control(kOutputsBegin);
  }
  out->Control(kOutputBegin).Text(turn.content).Control(kOutputEnd);
}

bool WriteV3(ChatTemplateKind kind, const std::vector<ChatTurn>& turns, const std::vector<ChatTool>& tools, Writer* out) {
  out->Control(kBos).Text(kind == ChatTemplateKind::kV30324 ? JoinedSystem(turns) : LastSystem(turns));
  WriteTools(kind, tools, out);
  bool in_outputs = false;
  for (const ChatTurn& turn : turns) {
    if (turn.role == "system") continue;
    if (turn.role == "tool") {
      WriteOutput(turn, in_outputs, out);
      in_outputs = true;
      continue;
    }
    const bool answers_tool = in_outputs;
    if (in_outputs) out->Control(kOutputsEnd);
    in_outputs = false;
    if (turn.prefix) {
      if (!answers_tool) out->Control(kAssistant);
      return WritePrefix(turn, out);
    }
    if (turn.role == "user") {
      out->Control(kUser).Text(turn.content);
    } else if (!turn.tool_calls.empty()) {
      WriteCalls(turn, out);
    } else {
      if (!answers_tool) out->Control(kAssistant);
      out->Text(kind == ChatTemplateKind::kV3 ? absl::string_view(turn.content.reveal()) : AfterLastThink(turn.content.reveal()))
          .Control(kEos);
    }
  }
  if (in_outputs) {
    out->Control(kOutputsEnd);
    return false;
  }
  out->Control(kAssistant);
  const bool opens = kind == ChatTemplateKind::kR1;
  if (opens) out->Control(kThink).Text("\n");
  return opens;
}

void WriteV31Assistant(const ChatTurn& turn, bool after_user, Writer* out) {
  if (after_user) out->Control(kAssistant).Control(kEndThink);
  out->Text(AfterFirstThink(turn.content.reveal()));
  bool first = true;
  for (const ChatToolCall& call : turn.tool_calls) {
    if (first) out->Control(kCallsBegin);
    first = false;
    out->Control(kCallBegin).Text(call.name).Control(kSeparator).Text(call.arguments).Control(kCallEnd);
  }
  if (!turn.tool_calls.empty()) out->Control(kCallsEnd);
  out->Control(kEos);
}

bool WriteV31Prefix(const ChatTurn& turn, bool thinking, Writer* out) {
  if (!turn.reasoning.empty()) {
    out->Control(kThink).Text(turn.reasoning);
    if (turn.content.empty()) return true;
    out->Control(kEndThink).Text(turn.content);
    return false;
  }
  out->Control(thinking ? kThink : kEndThink).Text(turn.content);
  return thinking;
}

bool WriteV31(const std::vector<ChatTurn>& turns, bool thinking, const std::vector<ChatTool>& tools, Writer* out) {
  out->Control(kBos).Text(JoinedSystem(turns));
  WriteTools(ChatTemplateKind::kV31, tools, out);
  bool after_user = false;
  for (const ChatTurn& turn : turns) {
    if (turn.prefix) {
      if (!after_user) return WritePrefix(turn, out);
      out->Control(kAssistant);
      return WriteV31Prefix(turn, thinking, out);
    }
    if (turn.role == "user") {
      out->Control(kUser).Text(turn.content);
      after_user = true;
    } else if (turn.role == "assistant") {
      WriteV31Assistant(turn, after_user, out);
      after_user = false;
    } else if (turn.role == "tool") {
      out->Control(kOutputBegin).Text(turn.content).Control(kOutputEnd);
      after_user = false;
    }
  }
  if (!after_user) return false;
  out->Control(kAssistant).Control(thinking ? kThink : kEndThink);
  return thinking;
}

bool Write(ChatTemplateKind kind, const std::vector<ChatTurn>& turns, bool thinking, const std::vector<ChatTool>& tools, Writer* out) {
  if (kind == ChatTemplateKind::kV2) return WriteV2(turns, out);
  return kind == ChatTemplateKind::kV31 ? WriteV31(turns, thinking, tools, out) : WriteV3(kind, turns, tools, out);
}

}  // namespace

absl::string_view AfterLastThink(absl::string_view content) {
  const size_t at = content.rfind(kEndThink);
  return at == absl::string_view::npos ? content : content.substr(at + kEndThink.size());
}

absl::StatusOr<RenderedChat> RenderChat(ChatTemplateKind kind, const std::vector<ChatTurn>& turns, absl::optional<bool> thinking,
                                        const Tokenizer& tokenizer, const std::vector<ChatTool>& tools) {
  if (absl::Status status = CheckTurns(turns); !status.ok()) return status;
  if (kind == ChatTemplateKind::kV2) {
    if (absl::Status status = CheckNoTools(turns, tools); !status.ok()) return status;
  }
  Writer writer(tokenizer);
  RenderedChat chat;
  chat.opens_thinking = Write(kind, turns, thinking.value_or(false), tools, &writer);
  absl::StatusOr<std::vector<int32_t>> ids = writer.Finish();
  if (!ids.ok()) return ids.status();
  chat.ids = *std::move(ids);
  return chat;
}

}  // namespace baleen
