#include "services/gateway/guardrail/make_guard.h"

#include <fstream>
#include <iterator>
#include <set>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "services/common/outside_server.h"
#include "services/gateway/guardrail/builtin_guard.h"
#include "services/gateway/guardrail/measured_guard.h"
#include "services/gateway/guardrail/policy.h"
#include "services/gateway/guardrail/remote_guard.h"

namespace baleen {
namespace {

absl::StatusOr<std::shared_ptr<const GuardPolicy>> ReadPolicy(const std::string& path) {
  if (path.empty()) return GuardPolicy::Default();
  std::ifstream file(path, std::ios::binary);
  if (!file) return absl::NotFoundError(absl::StrCat("--guardrail_policy: cannot read ", path));
  absl::StatusOr<std::shared_ptr<const GuardPolicy>> policy =
      GuardPolicy::Parse(std::string(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()));
  if (!policy.ok()) return absl::InvalidArgumentError(absl::StrCat(path, ": ", policy.status().message()));
  return policy;
}

std::vector<std::string> CategoriesOf(const GuardPolicy& policy) {
  std::set<std::string> names;
  for (const GuardRule& rule : policy.rules) names.insert(rule.category);
  return {names.begin(), names.end()};
}

absl::Status Check(const GuardrailOptions& options) {
  if (options.failure != "open" && options.failure != "closed") {
    return absl::InvalidArgumentError(absl::StrCat("--guardrail_failure=", options.failure, ": expected open or closed"));
  }
  if (options.timeout < absl::Milliseconds(1) || options.timeout > absl::Minutes(1)) {
    return absl::InvalidArgumentError(absl::StrCat("--guardrail_timeout=", absl::FormatDuration(options.timeout), ": expected 1ms to 1m"));
  }
  const bool remote = options.guardrail != "off" && options.guardrail != "builtin";
  if (!remote && !options.ca.empty()) return absl::InvalidArgumentError("--guardrail_ca needs --guardrail=host:port");
  if (options.guardrail != "builtin" && !options.policy_path.empty())
    return absl::InvalidArgumentError("--guardrail_policy needs --guardrail=builtin");
  return absl::OkStatus();
}

bool IsAddress(absl::string_view text) {
  const size_t colon = text.rfind(':');
  int port = 0;
  return colon != absl::string_view::npos && colon > 0 && absl::SimpleAtoi(text.substr(colon + 1), &port) && port > 0 && port < 65536;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Guard>> MakeGuard(const GuardrailOptions& options, prometheus::Registry& registry) {
  RETURN_IF_ERROR(Check(options));
  if (options.guardrail == "off") return nullptr;
  if (options.guardrail == "builtin") {
    ASSIGN_OR_RETURN(const std::shared_ptr<const GuardPolicy> policy, ReadPolicy(options.policy_path));
    return MeasureGuard(MakeBuiltinGuard(policy), CategoriesOf(*policy), registry);
  }
  if (!IsAddress(options.guardrail)) {
    return absl::InvalidArgumentError(absl::StrCat("--guardrail=", options.guardrail, ": expected off, builtin or host:port"));
  }
  const OutsideServer server{"--guardrail", options.guardrail, "--guardrail_ca", options.ca};
  ASSIGN_OR_RETURN(auto credentials, OutsideCredentials(server, options.credentials, options.allow_plaintext));
  return MeasureGuard(MakeRemoteGuard({options.guardrail, options.model, options.timeout, std::move(credentials)}), {}, registry);
}

}  // namespace baleen
