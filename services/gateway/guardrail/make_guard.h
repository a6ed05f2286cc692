// The guard that the gateway's flags ask for.
#ifndef BALEEN_SERVICES_GATEWAY_GUARDRAIL_MAKE_GUARD_H_
#define BALEEN_SERVICES_GATEWAY_GUARDRAIL_MAKE_GUARD_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "services/common/cluster_credentials.h"
#include "services/gateway/guardrail/guard.h"

namespace prometheus {
class Registry;
}

namespace baleen {

struct GuardrailOptions {
  std::string guardrail = "off";              // off, builtin, or host:port of a baleen.v1.Guardrail.
  std::string policy_path;                    // Of builtin; empty = the policy that ships.
  std::string failure = "closed";             // open or closed: whether what a failing guard did not judge goes through.
  absl::Duration timeout = absl::Seconds(1);  // Of each check.
  std::string model;

  std::string ca;                       // PEM file of the authorities of a guard at host:port; empty = it is reached without TLS.
  ClusterCredentials credentials = {};  // What it is shown.
  bool allow_plaintext = false;         // Beyond loopback.

  bool fails_open() const { return failure == "open"; }
};

// Null when off. INVALID_ARGUMENT names the flag; errors of a policy file name file and rule.
absl::StatusOr<std::unique_ptr<Guard>> MakeGuard(const GuardrailOptions& options, prometheus::Registry& registry);

}  // namespace baleen

#endif  // BALEEN_SERVICES_GATEWAY_GUARDRAIL_MAKE_GUARD_H_
