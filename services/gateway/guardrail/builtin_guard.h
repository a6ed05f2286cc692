// The embedded guard: a policy of patterns, in the gateway's own process.
#ifndef BALEEN_SERVICES_GATEWAY_GUARDRAIL_BUILTIN_GUARD_H_
#define BALEEN_SERVICES_GATEWAY_GUARDRAIL_BUILTIN_GUARD_H_

#include <memory>

#include "services/gateway/guardrail/guard.h"
#include "services/gateway/guardrail/policy.h"

namespace baleen {

// Verdicts come before the check returns, and none fails. A piece passes when no open run could make its text part of a match; a match does
// not go from the reasoning into the answer or into a tool call.
std::unique_ptr<Guard> MakeBuiltinGuard(std::shared_ptr<const GuardPolicy> policy);

}  // namespace baleen

#endif  // BALEEN_SERVICES_GATEWAY_GUARDRAIL_BUILTIN_GUARD_H_
