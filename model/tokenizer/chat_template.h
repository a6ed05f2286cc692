// Chat templates of V2, V3, R1 and V3.1 (model spec section 8), rendered straight to token ids.
#ifndef BALEEN_MODEL_TOKENIZER_CHAT_TEMPLATE_H_
#define BALEEN_MODEL_TOKENIZER_CHAT_TEMPLATE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "base/private_text.h"
#include "model/tokenizer/tokenizer.h"

namespace baleen {

enum class ChatTemplateKind {
  kV2,
  kV3,
  kV30324,  // V3-0324 and R1-0528: system messages joined, earlier reasoning dropped, <think> left to the model.
  kR1,
  kV31,
};

struct ChatToolCall {
  PrivateText name;
  PrivateText arguments;  // JSON text, rendered verbatim.
};

struct ChatTurn {
  std::string role;  // system, user, assistant, tool
  PrivateText content;
  std::vector<ChatToolCall> tool_calls = {};  // Of an assistant turn, in call order.
  bool prefix = false;                        // The last turn, an assistant's: the completion goes on from its content.
  PrivateText reasoning = {};                 // Of a prefix turn: what was thought before `content`.
};

// A function that the model may call.
struct ChatTool {
  PrivateText name;
  PrivateText description;
  PrivateText parameters;  // JSON Schema text, rendered verbatim.
};

struct RenderedChat {
  std::vector<int32_t> ids;     // BOS first.
  bool opens_thinking = false;  // The prompt already opened <think>.
};

// Names for --chat-template flags: "v2", "v3", "v3-0324", "r1", "v3.1"; nullopt for any other.
absl::optional<ChatTemplateKind> ChatTemplateFromName(absl::string_view name);
absl::string_view ChatTemplateName(ChatTemplateKind kind);

// Which template a directory has: from chat_template.jinja, or else from tokenizer_config.json's chat_template (a text, or a list of named
// texts of which "default", or else the first, counts); V3 when there is none. UNIMPLEMENTED for one that is not known: a model asked in
// another's form answers badly and says nothing. INVALID_ARGUMENT for a malformed file.
absl::StatusOr<ChatTemplateKind> DetectChatTemplate(const std::string& directory);

// What templates that drop an assistant's earlier thinking keep of its message: at least this.
absl::string_view AfterLastThink(absl::string_view content);

// Message contents are encoded as text: a content that spells a control token stays text. `thinking` (default false) is V3.1's switch;
// R1 always opens <think>, V2 and the V3 kinds never do. After a tool turn (and in V3.1 after an assistant turn) there is no generation
// prompt, as in DeepSeek's templates: the answer follows directly. A prefix turn stays open, and its reasoning too where it has no content.
// Tools are declared at the end of the system message, in V3.1's form or, for the others, in the same words with their call syntax; V2
// knows none. INVALID_ARGUMENT names a bad turn, an empty list or V2's tools; FAILED_PRECONDITION a control token that the vocabulary
// lacks.
absl::StatusOr<RenderedChat> RenderChat(ChatTemplateKind kind, const std::vector<ChatTurn>& turns, absl::optional<bool> thinking,
                                        const Tokenizer& tokenizer, const std::vector<ChatTool>& tools = {});

}  // namespace baleen

#endif  // BALEEN_MODEL_TOKENIZER_CHAT_TEMPLATE_H_
