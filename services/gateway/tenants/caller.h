// Whose request it is.
#ifndef BALEEN_SERVICES_GATEWAY_TENANTS_CALLER_H_
#define BALEEN_SERVICES_GATEWAY_TENANTS_CALLER_H_

#include <memory>
#include <string>

#include "absl/strings/string_view.h"

namespace baleen {

class TenantAccount;

// The one identity behind fair turns, limits, the prefix cache, resuming and metering.
struct Caller {
  std::string id;          // Equal at all gateways; requests are resumed by equal ones only. Empty = anybody, where no key is asked for.
  std::string cache_salt;  // Requests share cached KV only under equal ones.
  std::string tenant;      // The name that metrics and usage go by.
  int priority = 0;        // -100 .. 100; higher goes first.
  std::shared_ptr<TenantAccount> account = {};  // Null = nothing is limited or metered.
};

// Where no key is asked for: told apart by the key that came anyway.
Caller OpenCaller(absl::string_view authorization);

// A tenant of the tenants file. The salt is an HMAC-SHA-256 of `secret`, so no client can choose or guess it.
Caller TenantCaller(const std::string& name, int priority, absl::string_view secret);

// Under which requests of the caller with this `cache_salt` field share cached KV; none with those of other callers, whatever the field.
std::string CacheSaltOf(const Caller& caller, absl::string_view cache_salt);

// Who shares fairly: the caller; anybody's requests by their `user` field.
std::string FairShareOf(const Caller& caller, absl::string_view user);

// The one in metrics and usage where no key is asked for.
inline constexpr char kDefaultTenant[] = "default";

}  // namespace baleen

#endif  // BALEEN_SERVICES_GATEWAY_TENANTS_CALLER_H_
