// The bodies of /v1/chat/completions and /v1/completions, checked.
#ifndef BALEEN_SERVICES_GATEWAY_API_REQUESTS_H_
#define BALEEN_SERVICES_GATEWAY_API_REQUESTS_H_

#include <boost/json/object.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/private_text.h"
#include "model/tokenizer/chat_template.h"
#include "services/gateway/api/generation_spec.h"
#include "services/gateway/api/tools.h"

namespace baleen {

struct StreamSpec {
  bool stream = false;
  bool include_usage = false;
};

struct ChatCall {
  std::string model;
  std::vector<ChatTurn> turns;
  std::optional<bool> thinking;
  ToolUse tools;
  GenerationSpec generation;
  StreamSpec stream;
};

struct CompletionCall {
  std::string model;
  std::variant<PrivateText, std::vector<int32_t>> prompt;
  bool echo = false;  // Each choice begins with the prompt's text.
  GenerationSpec generation;
  StreamSpec stream;
};

// A message's role as chat templates know it: a developer's is a system message. INVALID_ARGUMENT names `field` when it is none.
absl::StatusOr<std::string> TemplateRole(const std::string& role, absl::string_view field);

// What a chat's prompt is made of: messages, tools and thinking; the call's other fields are unset.
absl::StatusOr<ChatCall> ReadChatPrompt(const boost::json::object& body);
absl::StatusOr<ChatCall> ParseChatCall(absl::string_view body, const GenerationSpec& defaults);
// Without max_tokens a completion has 16, as OpenAI has it.
absl::StatusOr<CompletionCall> ParseCompletionCall(absl::string_view body, const GenerationSpec& defaults);

}  // namespace baleen

#endif  // BALEEN_SERVICES_GATEWAY_API_REQUESTS_H_
