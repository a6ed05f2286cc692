// The policy that ships, embedded from policy.json.
#ifndef BALEEN_SERVICES_GATEWAY_GUARDRAIL_DEFAULT_POLICY_H_
#define BALEEN_SERVICES_GATEWAY_GUARDRAIL_DEFAULT_POLICY_H_

namespace baleen {

extern const char* const kDefaultPolicy;

}  // namespace baleen

#endif  // BALEEN_SERVICES_GATEWAY_GUARDRAIL_DEFAULT_POLICY_H_
