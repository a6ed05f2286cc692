// Bodies of /v1/chat/completions: what the gateway accepts fits the model and every worker, what it refuses has a client's error.

#include <cstdint>
#include <string>

#include "services/gateway/api/prepare.h"
#include "services/gateway/api/requests.h"
#include "tests/fuzz/fuzz_input.h"
#include "tests/fuzz/tiny_model.h"

namespace baleen {
namespace {

void CheckInput(const ServedModel& model, const GenerationInput& input) {
  const int64_t prompt = static_cast<int64_t>(input.prompt.size());
  Require(prompt > 0 && *input.spec.max_tokens > 0, "there is a prompt and room for an answer");
  Require(prompt + *input.spec.max_tokens <= model.max_position_embeddings, "prompt and answer fit the context");
  for (const int32_t id : input.prompt) Require(id >= 0 && id < model.tokenizer->size(), "ids are the vocabulary's");
  Require(CheckGenerationSpec(input.spec).ok(), "the parameters keep their bounds");
  RequireWorkerTakes(model, input);
}

}  // namespace
}  // namespace baleen

// Which template, then the body.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace baleen;
  FuzzInput input(data, size);
  const ServedModel& model = TinyModel(input.Byte());
  const std::string body = input.Rest();
  const absl::StatusOr<ChatCall> call = ParseChatCall(body, model.defaults);
  if (!call.ok()) {
    RequireClientError(call.status());
    return 0;
  }
  Require(call->turns.size() <= kMaxMessages && call->tools.tools.size() <= kMaxTools, "lists keep their bounds");
  const absl::StatusOr<GenerationInput> prepared = PrepareChat(model, *call, absl::InfiniteFuture());
  prepared.ok() ? CheckInput(model, *prepared) : RequireClientError(prepared.status());
  return 0;
}
