#include "tests/fuzz/tiny_model.h"

#include <array>
#include <boost/json.hpp>
#include <memory>

#include "model/tokenizer/tiny_tokenizer.h"
#include "proto/baleen/v1/attention.pb.h"
#include "services/attention/decode/start_sequence.h"
#include "services/gateway/api/api_error.h"
#include "services/gateway/generation/start_message.h"
#include "tests/fuzz/fuzz_input.h"

namespace baleen {
namespace {

constexpr ChatTemplateKind kKinds[] = {ChatTemplateKind::kV2, ChatTemplateKind::kV3, ChatTemplateKind::kV30324, ChatTemplateKind::kR1,
                                       ChatTemplateKind::kV31};
constexpr size_t kKindCount = std::size(kKinds);
constexpr int32_t kEnd = 1;

const ServedModel* MakeModel(ChatTemplateKind kind) {
  auto* model = new ServedModel;
  model->id = "tiny";
  model->tokenizer = MakeTinyTokenizer();
  model->chat_template = kind;
  model->max_position_embeddings = 2048;
  return model;
}

// A worker that has the model. The kinds differ in their template alone, which is none of a worker's business.
const ModelLimits& LimitsOf(const ServedModel& model) {
  static const auto* const limits = [&model] {
    const int64_t size = model.tokenizer->size();
    return new ModelLimits{.tokenizer_size = size,
                           .vocabulary = std::make_shared<GrammarVocabulary>(*model.tokenizer, size),
                           .max_positions = model.max_position_embeddings,
                           .eos_ids = {kEnd},
                           .numerics_id = "n"};
  }();
  return *limits;
}

}  // namespace

const ServedModel& TinyModel(uint8_t kind) {
  static const auto* const models = [] {
    auto* made = new std::array<const ServedModel*, kKindCount>;
    for (size_t i = 0; i < kKindCount; ++i) (*made)[i] = MakeModel(kKinds[i]);
    return made;
  }();
  return *(*models)[kind % kKindCount];
}

void RequireWorkerTakes(const ServedModel& model, const GenerationInput& input) {
  const v1::StartSequence start = MakeStartMessage(input, {}, 1, "n", absl::UnixEpoch());
  const absl::StatusOr<SequenceRequest> request = ConvertStart(start, LimitsOf(model), absl::UnixEpoch());
  Require(request.ok(), "a worker takes what the gateway accepted");
  const absl::Span<const int32_t> nothing;
  Require(request->grammar == nullptr || !request->grammar->MayEnd(nothing) || !input.spec.grammar.after_token, "reasoning comes first");
}

void RequireClientError(const absl::Status& status) {
  const bool client = absl::IsInvalidArgument(status) || absl::IsNotFound(status) || absl::IsFailedPrecondition(status);
  Require(client, "a bad request is the client's error");
  const ApiError error = ToApiError(status);
  Require(error.http_status >= 400 && error.http_status < 500, "and has a status of 4xx");
  boost::json::error_code ignored;
  Require(boost::json::parse(error.body, ignored).is_object() && !ignored, "in a body that is JSON");
}

}  // namespace baleen
