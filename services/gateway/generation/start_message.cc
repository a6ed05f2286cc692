#include "services/gateway/generation/start_message.h"

#include "services/common/deadline.h"
#include "services/common/grammar_wire.h"

namespace baleen {
namespace {

void FillSampling(const GenerationSpec& spec, v1::SamplingParams* sampling) {
  sampling->set_temperature(static_cast<float>(spec.temperature));
  sampling->set_top_p(static_cast<float>(spec.top_p));
  sampling->set_top_k(static_cast<uint32_t>(spec.top_k));
  sampling->set_min_p(static_cast<float>(spec.min_p));
  sampling->set_presence_penalty(static_cast<float>(spec.presence_penalty));
  sampling->set_frequency_penalty(static_cast<float>(spec.frequency_penalty));
  sampling->set_repetition_penalty(static_cast<float>(spec.repetition_penalty));
  for (const auto& [token, value] : spec.logit_bias) {
    v1::LogitBias* bias = sampling->add_logit_bias();
    bias->set_token(static_cast<uint32_t>(token));
    bias->set_bias(value);
  }
  sampling->set_seed(*spec.seed);
  sampling->set_logprobs(spec.logprobs);
  if (spec.grammar.any()) GrammarToWire(spec.grammar, sampling->mutable_grammar());
}

}  // namespace

v1::StartSequence MakeStartMessage(const GenerationInput& input, const std::vector<uint32_t>& journal, uint32_t attempt,
                                   const std::string& numerics_id, absl::Time now) {
  v1::StartSequence start;
  v1::RequestContext* context = start.mutable_context();
  context->set_request_id(input.request_id);
  context->set_choice(input.choice);
  context->set_attempt(attempt);
  context->set_timeout_ms(TimeoutMs(input.deadline, now));
  context->set_numerics_id(numerics_id);
  start.mutable_prompt()->Add(input.prompt.begin(), input.prompt.end());
  start.mutable_generated()->Add(journal.begin(), journal.end());
  FillSampling(input.spec, start.mutable_sampling());
  v1::StopParams* stop = start.mutable_stop();
  stop->set_max_tokens(static_cast<uint32_t>(*input.spec.max_tokens));
  stop->set_min_tokens(static_cast<uint32_t>(input.spec.min_tokens));
  stop->set_ignore_eos(input.spec.ignore_eos);
  start.set_cache_salt(input.cache_salt);
  start.set_edge(input.edge.reveal());
  start.set_owner(input.owner);
  start.set_priority(input.priority);
  return start;
}

}  // namespace baleen
