// Chat templates: which control tokens a prompt has, and in which order, depends on its messages' roles and never on what they say.

#include <cstdint>
#include <string>
#include <vector>

#include "model/tokenizer/chat_template.h"
#include "model/tokenizer/tiny_tokenizer.h"
#include "tests/fuzz/fuzz_input.h"

namespace baleen {
namespace {

struct Chat {
  std::vector<ChatTurn> turns;
  std::vector<ChatTool> tools;
  absl::optional<bool> thinking;
};

// Two lines are a turn, a call of the turn before, or a tool; the first's first byte says which.
Chat ReadChat(FuzzInput* input) {
  static constexpr const char* kRoles[] = {"system", "user", "assistant", "tool", "developer"};
  Chat chat;
  const uint8_t thinking = input->Byte();
  if (thinking % 3 != 0) chat.thinking = thinking % 3 == 1;
  while (!input->empty() && chat.turns.size() < 64) {
    const uint8_t kind = input->Byte();
    const std::string first = input->Line(), second = input->Line();
    if (kind % 8 < 5) {
      chat.turns.push_back(
          {.role = kRoles[kind % 8], .content = PrivateText(first), .prefix = kind >= 0x80, .reasoning = PrivateText(second)});
    } else if (kind % 8 == 5 && !chat.turns.empty()) {
      chat.turns.back().tool_calls.push_back({PrivateText(first), PrivateText(second)});
    } else {
      chat.tools.push_back({PrivateText(first), PrivateText(second), PrivateText(second)});
    }
  }
  return chat;
}

// The same with nothing said. What is empty stays so: templates go by it.
Chat Silenced(Chat chat) {
  const auto silence = [](PrivateText* text) { *text = PrivateText(text->empty() ? "" : "x"); };
  for (ChatTurn& turn : chat.turns) {
    silence(&turn.content);
    silence(&turn.reasoning);
    for (ChatToolCall& call : turn.tool_calls) {
      silence(&call.name);
      silence(&call.arguments);
    }
  }
  for (ChatTool& tool : chat.tools) {
    silence(&tool.name);
    silence(&tool.description);
    silence(&tool.parameters);
  }
  return chat;
}

std::vector<int32_t> ControlsOf(const Tokenizer& tokenizer, const RenderedChat& rendered) {
  std::vector<int32_t> controls;
  for (const int32_t id : rendered.ids) {
    Require(id >= 0 && id < tokenizer.size(), "ids are the vocabulary's");
    if (tokenizer.AddedTokenId(tokenizer.TokenBytes(id)) == id) controls.push_back(id);
  }
  return controls;
}

}  // namespace
}  // namespace baleen

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace baleen;
  static const Tokenizer* const tokenizer = MakeTinyTokenizer().release();
  FuzzInput input(data, size);
  const Chat chat = ReadChat(&input);
  const Chat silenced = Silenced(chat);
  for (const ChatTemplateKind kind :
       {ChatTemplateKind::kV2, ChatTemplateKind::kV3, ChatTemplateKind::kV30324, ChatTemplateKind::kR1, ChatTemplateKind::kV31}) {
    const auto spoken = RenderChat(kind, chat.turns, chat.thinking, *tokenizer, chat.tools);
    const auto silent = RenderChat(kind, silenced.turns, silenced.thinking, *tokenizer, silenced.tools);
    Require(spoken.status() == silent.status(), "what is said does not decide whether a chat is taken");
    if (!spoken.ok()) continue;
    Require(spoken->opens_thinking == silent->opens_thinking, "nor whether it thinks");
    Require(ControlsOf(*tokenizer, *spoken) == ControlsOf(*tokenizer, *silent), "nor its control tokens");
  }
  return 0;
}
