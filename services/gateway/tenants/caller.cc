#include "services/gateway/tenants/caller.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>

#include "absl/strings/str_cat.h"

namespace baleen {
namespace {

std::string Sha256(absl::string_view text) {
  std::string digest(SHA256_DIGEST_LENGTH, 0);
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), reinterpret_cast<unsigned char*>(digest.data()));
  return digest;
}

std::string HmacSha256(absl::string_view secret, absl::string_view text) {
  std::string mac(SHA256_DIGEST_LENGTH, 0);
  HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()), reinterpret_cast<const unsigned char*>(text.data()), text.size(),
       reinterpret_cast<unsigned char*>(mac.data()), nullptr);
  return mac;
}

}  // namespace

Caller OpenCaller(absl::string_view authorization) {
  Caller caller;
  if (!authorization.empty()) caller.id = Sha256(authorization);
  caller.cache_salt = caller.id;
  caller.tenant = kDefaultTenant;
  return caller;
}

Caller TenantCaller(const std::string& name, int priority, absl::string_view secret) {
  Caller caller;
  caller.id = absl::StrCat("tenant:", name);
  caller.cache_salt = HmacSha256(secret, name);
  caller.tenant = name;
  caller.priority = priority;
  return caller;
}

std::string CacheSaltOf(const Caller& caller, absl::string_view cache_salt) {
  return cache_salt.empty() ? caller.cache_salt : HmacSha256(caller.cache_salt, cache_salt);
}

std::string FairShareOf(const Caller& caller, absl::string_view user) {
  if (!caller.id.empty()) return caller.id;
  return user.empty() ? "" : Sha256(absl::StrCat("user:", user));
}

}  // namespace baleen
