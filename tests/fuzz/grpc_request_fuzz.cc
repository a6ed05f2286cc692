// Messages of baleen.v1.Inference: what the gateway accepts fits the model and every worker, as with REST.

#include <cstdint>
#include <string>

#include "proto/baleen/v1/inference.pb.h"
#include "services/gateway/api/prepare.h"
#include "services/gateway/grpc_messages.h"
#include "tests/fuzz/fuzz_input.h"
#include "tests/fuzz/tiny_model.h"

namespace baleen {
namespace {

void CheckPrepared(const ServedModel& model, const absl::StatusOr<GenerationInput>& prepared) {
  if (!prepared.ok()) return RequireClientError(prepared.status());
  Require(CheckGenerationSpec(prepared->spec).ok(), "the parameters keep their bounds");
  RequireWorkerTakes(model, *prepared);
}

void Chat(const ServedModel& model, const v1::ChatRequest& request) {
  const absl::StatusOr<ChatCall> call = ToChatCall(request, model.defaults);
  if (!call.ok()) return RequireClientError(call.status());
  CheckPrepared(model, PrepareChat(model, *call, absl::InfiniteFuture()));
}

void Generate(const ServedModel& model, const v1::GenerateRequest& request) {
  const absl::StatusOr<CompletionCall> call = ToCompletionCall(request, model.defaults);
  if (!call.ok()) return RequireClientError(call.status());
  CheckPrepared(model, PrepareCompletion(model, *call, absl::InfiniteFuture()));
}

}  // namespace
}  // namespace baleen

// Which template and message, then the message.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace baleen;
  FuzzInput input(data, size);
  const uint8_t kind = input.Byte();
  const std::string bytes = input.Rest();
  v1::ChatRequest chat;
  v1::GenerateRequest generate;
  if (kind < 0x80 && chat.ParseFromString(bytes)) Chat(TinyModel(kind), chat);
  if (kind >= 0x80 && generate.ParseFromString(bytes)) Generate(TinyModel(kind), generate);
  return 0;
}
