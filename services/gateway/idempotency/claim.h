// Puts a prepared generation under its client's idempotency key: the same for every API.
#ifndef BALEEN_SERVICES_GATEWAY_IDEMPOTENCY_CLAIM_H_
#define BALEEN_SERVICES_GATEWAY_IDEMPOTENCY_CLAIM_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "services/gateway/generation/generation.h"
#include "services/gateway/idempotency/idempotent_answer.h"
#include "services/gateway/tenants/caller.h"

namespace baleen {

struct KeyedRequest {
  std::string key;      // As the client gave it.
  std::string digest;   // RequestDigest of all that the answer depends on.
  bool seeded = false;  // By the client.
  int64_t created_unix_s = 0;
};

// Tokens are a function of the request and its seed, so a repeat is computed again instead of being kept: `input` gets the first answer's
// seed, and a fresh id, since workers that saw the first one would take its id for an old attempt. What the client sees is record()'s id.
// Errors as IdempotencyTable::Claim has them.
absl::StatusOr<std::shared_ptr<IdempotentAnswer>> ClaimAnswer(IdempotencyKeys& keys, const Caller& caller, const KeyedRequest& request,
                                                              GenerationInput* input);

}  // namespace baleen

#endif  // BALEEN_SERVICES_GATEWAY_IDEMPOTENCY_CLAIM_H_
