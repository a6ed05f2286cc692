#include "services/gateway/generation/decode_event.h"

namespace baleen {

Finish ToFinish(v1::FinishReason reason) {
  switch (reason) {
    case v1::FINISH_REASON_LENGTH:
      return Finish::kLength;
    case v1::FINISH_REASON_CONTENT_FILTER:
      return Finish::kContentFilter;
    case v1::FINISH_REASON_INSUFFICIENT_RESOURCE:
      return Finish::kInsufficientResource;
    default:
      return Finish::kStop;
  }
}

TokenChoice ToChoice(const v1::TokenEvent& event) {
  TokenChoice choice{.token = static_cast<int32_t>(event.token()), .logprob = event.logprob()};
  for (const v1::TokenLogprob& top : event.top_logprobs()) choice.top.emplace_back(static_cast<int32_t>(top.token()), top.logprob());
  return choice;
}

}  // namespace baleen
