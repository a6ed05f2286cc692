#include "services/gateway/tenants/caller.h"

#include "absl/strings/str_cat.h"
#include "base/sha256.h"

namespace baleen {

Caller OpenCaller(absl::string_view authorization) {
  Caller caller;
  if (!authorization.empty()) caller.id = BytesOf(Sha256(authorization));
  caller.cache_salt = caller.id;
  caller.tenant = kDefaultTenant;
  return caller;
}

Caller TenantCaller(const std::string& name, int priority, absl::string_view secret) {
  Caller caller;
  caller.id = absl::StrCat("tenant:", name);
  caller.cache_salt = BytesOf(HmacSha256(secret, name));
  caller.tenant = name;
  caller.priority = priority;
  return caller;
}

std::string CacheSaltOf(const Caller& caller, absl::string_view cache_salt) {
  return cache_salt.empty() ? caller.cache_salt : BytesOf(HmacSha256(caller.cache_salt, cache_salt));
}

std::string FairShareOf(const Caller& caller, absl::string_view user) {
  if (!caller.id.empty()) return caller.id;
  return user.empty() ? "" : BytesOf(Sha256(absl::StrCat("user:", user)));
}

}  // namespace baleen
