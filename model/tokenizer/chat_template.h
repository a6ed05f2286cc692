// Chat templates of V3, R1 and V3.1 (model spec section 8), rendered straight to token ids.
#ifndef BALEEN_MODEL_TOKENIZER_CHAT_TEMPLATE_H_
#define BALEEN_MODEL_TOKENIZER_CHAT_TEMPLATE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/optional.h"
#include "model/tokenizer/tokenizer.h"

namespace baleen {

enum class ChatTemplateKind { kV3, kR1, kV31 };

struct ChatTurn {
  std::string role;  // system, user, assistant, tool
  std::string content;
};

struct RenderedChat {
  std::vector<int32_t> ids;     // BOS first.
  bool opens_thinking = false;  // The prompt already opened <think>.
};

// Which template a directory has, from tokenizer_config.json's chat_template; V3 when none is recognisable. Names of templates are
// for --chat-template flags: "v3", "r1", "v3.1".
absl::StatusOr<ChatTemplateKind> DetectChatTemplate(const std::string& directory);

// Message contents are encoded as text: a content that spells a control token stays text. INVALID_ARGUMENT names a bad role or an empty
// list.
absl::StatusOr<RenderedChat> RenderChat(ChatTemplateKind kind, const std::vector<ChatTurn>& turns, absl::optional<bool> thinking,
                                        const Tokenizer& tokenizer);

}  // namespace baleen

#endif  // BALEEN_MODEL_TOKENIZER_CHAT_TEMPLATE_H_
