// What a decode worker is told to generate: what is accepted keeps the worker's limits, and its grammar says which tokens may come.

#include <algorithm>
#include <cstdint>
#include <memory>

#include "model/tokenizer/tiny_tokenizer.h"
#include "proto/baleen/v1/attention.pb.h"
#include "services/attention/decode/start_sequence.h"
#include "tests/fuzz/fuzz_input.h"

namespace baleen {
namespace {

const ModelLimits& Limits() {
  static const auto* const limits = [] {
    const std::unique_ptr<Tokenizer> tokenizer = MakeTinyTokenizer();
    return new ModelLimits{.tokenizer_size = tokenizer->size(),
                           .vocabulary = std::make_shared<GrammarVocabulary>(*tokenizer, tokenizer->size()),
                           .max_positions = 512,
                           .eos_ids = {1},
                           .numerics_id = "n"};
  }();
  return *limits;
}

void CheckRequest(const SequenceRequest& request, const ModelLimits& limits) {
  Require(request.prompt_tokens > 0 && request.tokens.size() >= static_cast<size_t>(request.prompt_tokens), "there is a prompt");
  Require(static_cast<int64_t>(request.tokens.size()) <= limits.max_positions, "tokens fit the context");
  for (const int32_t token : request.tokens) Require(token >= 0 && token < limits.tokenizer_size, "tokens are the vocabulary's");
  for (const int32_t id : request.stop.stop_ids) Require(id >= 0 && id < limits.tokenizer_size, "stop ids are the vocabulary's");
  Require(request.stop.max_tokens > 0 && request.stop.min_tokens <= request.stop.max_tokens, "lengths are in order");
  Require(request.sampler.temperature >= 0 && request.sampler.top_p > 0 && request.sampler.top_p <= 1, "sampling keeps its bounds");
  Require(request.sampler.logprobs >= -1 && request.sampler.logprobs <= 20, "so do log-probabilities");
  if (request.grammar == nullptr) return;
  const auto generated = absl::MakeConstSpan(request.tokens).subspan(static_cast<size_t>(request.prompt_tokens));
  const TokenMask& mask = request.grammar->Allowed(generated);
  const bool may_end = mask.Test(limits.eos_ids[0]);
  Require(may_end == request.grammar->MayEnd(generated), "the end is allowed where the answer may end");
}

}  // namespace
}  // namespace baleen

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace baleen;
  v1::StartSequence start;
  if (!start.ParseFromArray(data, static_cast<int>(size))) return 0;
  const absl::StatusOr<SequenceRequest> request = ConvertStart(start, Limits(), absl::FromUnixSeconds(1'000'000'000));
  if (request.ok()) CheckRequest(*request, Limits());
  return 0;
}
