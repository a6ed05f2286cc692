// From a checked call to what a generation needs: token ids, limits, a seed, an id.
#ifndef BALEEN_SERVICES_GATEWAY_API_PREPARE_H_
#define BALEEN_SERVICES_GATEWAY_API_PREPARE_H_

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "model/tokenizer/chat_template.h"
#include "services/gateway/api/requests.h"
#include "services/gateway/api/served_model.h"
#include "services/gateway/generation/generation.h"

namespace baleen {

// The fewest tokens that the call's prompt can have, told without tokenising it: each takes at most the vocabulary's longest text.
int64_t LeastPromptTokens(const ServedModel& model, const ChatCall& call);
int64_t LeastPromptTokens(const ServedModel& model, const CompletionCall& call);

// The prompt of a chat. INVALID_ARGUMENT names the field that no prompt can be made of.
absl::StatusOr<RenderedChat> RenderCall(const ServedModel& model, const ChatCall& call);

// INVALID_ARGUMENT when the prompt and the tokens asked for do not fit the context. Without max_tokens a chat has what fits, at most 4,096.
absl::StatusOr<GenerationInput> PrepareChat(const ServedModel& model, const ChatCall& call, absl::Time deadline);
absl::StatusOr<GenerationInput> PrepareCompletion(const ServedModel& model, const CompletionCall& call, absl::Time deadline);

}  // namespace baleen

#endif  // BALEEN_SERVICES_GATEWAY_API_PREPARE_H_
