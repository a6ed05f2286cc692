#include "services/gateway/generation/start_message.h"

namespace baleen {

v1::StartSequence MakeStartMessage(const GenerationInput& input, const std::vector<uint32_t>& journal, uint32_t attempt,
                                   const std::string& numerics_id) {
  v1::StartSequence start;
  v1::RequestContext* context = start.mutable_context();
  context->set_request_id(input.request_id);
  context->set_attempt(attempt);
  context->set_deadline_unix_ms(input.deadline == absl::InfiniteFuture() ? 0 : absl::ToUnixMillis(input.deadline));
  context->set_numerics_id(numerics_id);
  start.mutable_prompt()->Add(input.prompt.begin(), input.prompt.end());
  start.mutable_generated()->Add(journal.begin(), journal.end());
  v1::SamplingParams* sampling = start.mutable_sampling();
  sampling->set_temperature(static_cast<float>(input.spec.temperature));
  sampling->set_top_p(static_cast<float>(input.spec.top_p));
  sampling->set_top_k(static_cast<uint32_t>(input.spec.top_k));
  sampling->set_seed(*input.spec.seed);
  sampling->set_logprobs(input.spec.logprobs);
  v1::StopParams* stop = start.mutable_stop();
  stop->set_max_tokens(static_cast<uint32_t>(*input.spec.max_tokens));
  stop->set_min_tokens(static_cast<uint32_t>(input.spec.min_tokens));
  stop->set_ignore_eos(input.spec.ignore_eos);
  start.set_cache_salt(input.cache_salt);
  start.set_edge(input.edge);
  return start;
}

}  // namespace baleen
