#include "services/gateway/api/prepare.h"

#include <openssl/rand.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "services/common/request_id.h"
#include "services/gateway/api/api_error.h"

namespace baleen {
namespace {

constexpr int64_t kDefaultMaxTokens = 4096;

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
  if (!spec.max_tokens) spec.max_tokens = std::min(room, std::max(kDefaultMaxTokens, spec.min_tokens));
  if (*spec.max_tokens > room) {
    return InvalidField("max_tokens", absl::StrCat("of ", *spec.max_tokens, " does not fit: the prompt has ", prompt,
                                                   " tokens and this model's context holds ", model.max_position_embeddings, "."));
  }
  input->request_id = NewRequestId();
  if (!spec.seed) {
    uint64_t seed = 0;
    if (RAND_bytes(reinterpret_cast<unsigned char*>(&seed), sizeof(seed)) != 1) return absl::InternalError("no randomness from the system");
    spec.seed = seed;
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<int32_t>> PromptIds(const ServedModel& model, const CompletionCall& call) {
  if (const auto* text = std::get_if<std::string>(&call.prompt)) {
    std::vector<int32_t> ids = {model.bos_token_id};
    const std::vector<int32_t> rest = model.tokenizer->Encode(*text, AddedTokens::kText);
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

}  // namespace

absl::StatusOr<GenerationInput> PrepareChat(const ServedModel& model, const ChatCall& call, absl::Time deadline) {
  RETURN_IF_ERROR(model.CheckName(call.model));
  const absl::optional<bool> thinking = call.thinking ? absl::optional<bool>(*call.thinking) : absl::nullopt;
  ASSIGN_OR_RETURN(RenderedChat chat, RenderChat(model.chat_template, call.turns, thinking, *model.tokenizer));
  GenerationInput input;
  input.prompt = std::move(chat.ids);
  input.split_reasoning = true;
  input.opens_thinking = chat.opens_thinking;
  input.spec = call.generation;
  input.deadline = deadline;
  RETURN_IF_ERROR(Complete(model, "messages", &input));
  return input;
}

absl::StatusOr<GenerationInput> PrepareCompletion(const ServedModel& model, const CompletionCall& call, absl::Time deadline) {
  RETURN_IF_ERROR(model.CheckName(call.model));
  GenerationInput input;
  ASSIGN_OR_RETURN(input.prompt, PromptIds(model, call));
  input.spec = call.generation;
  input.deadline = deadline;
  RETURN_IF_ERROR(Complete(model, "prompt", &input));
  return input;
}

}  // namespace baleen
