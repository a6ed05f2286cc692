// Room for a request, before its prompt is rendered and tokenised.
#ifndef BALEEN_SERVICES_GATEWAY_TENANTS_CHECK_ROOM_H_
#define BALEEN_SERVICES_GATEWAY_TENANTS_CHECK_ROOM_H_

#include <cstdint>

#include "absl/status/status.h"
#include "services/gateway/generation/generation.h"
#include "services/gateway/tenants/caller.h"

namespace baleen {

// The refusal that a new request whose prompt has so many tokens or more is sure to get: by its tenant's limits (Charge::Check), else by
// the cluster's admission (ForeseeTurn). OK = it has to try.
absl::Status CheckRoom(const GenerationContext& context, const Caller& caller, int64_t least_prompt_tokens, const GenerationSpec& spec);

}  // namespace baleen

#endif  // BALEEN_SERVICES_GATEWAY_TENANTS_CHECK_ROOM_H_
