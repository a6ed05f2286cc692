#include "services/gateway/idempotency/claim.h"

#include "base/status_macros.h"
#include "services/common/request_id.h"
#include "services/gateway/api/derived_seed.h"

namespace baleen {

absl::StatusOr<std::shared_ptr<IdempotentAnswer>> ClaimAnswer(IdempotencyKeys& keys, const Caller& caller, const KeyedRequest& request,
                                                              GenerationInput* input) {
  AnswerRecord fresh;
  fresh.request_id = input->request_id;
  fresh.seed = request.seeded ? *input->spec.seed : DerivedSeed(caller.cache_salt, request.key, request.digest);
  fresh.created_unix_s = request.created_unix_s;
  ASSIGN_OR_RETURN(std::shared_ptr<IdempotentAnswer> answer, keys.Claim(caller.id, request.key, request.digest, fresh));
  input->spec.seed = answer->record().seed;
  if (answer->repeat()) input->request_id = NewRequestId();
  return answer;
}

}  // namespace baleen
