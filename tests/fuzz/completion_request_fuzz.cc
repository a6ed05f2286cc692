// Bodies of /v1/completions: what the gateway accepts fits the model and every worker, what it refuses has a client's error.

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
  Require(prompt > 0 && prompt + *input.spec.max_tokens <= model.max_position_embeddings, "prompt and answer fit the context");
  for (const int32_t id : input.prompt) Require(id >= 0 && id < model.tokenizer->size(), "ids are the vocabulary's");
  Require(CheckGenerationSpec(input.spec).ok(), "the parameters keep their bounds");
  RequireWorkerTakes(model, input);
}

}  // namespace
}  // namespace baleen

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace baleen;
  const ServedModel& model = TinyModel(0);
  const std::string body = FuzzInput(data, size).Rest();
  const absl::StatusOr<CompletionCall> call = ParseCompletionCall(body, model.defaults);
  if (!call.ok()) {
    RequireClientError(call.status());
    return 0;
  }
  const absl::StatusOr<GenerationInput> prepared = PrepareCompletion(model, *call, absl::InfiniteFuture());
  prepared.ok() ? CheckInput(model, *prepared) : RequireClientError(prepared.status());
  return 0;
}
