#include "services/gateway/admission/tenant.h"

#include <openssl/sha.h>

#include "absl/strings/str_cat.h"

namespace baleen {
namespace {

std::string Sha256(absl::string_view text) {
  std::string digest(SHA256_DIGEST_LENGTH, 0);
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), reinterpret_cast<unsigned char*>(digest.data()));
  return digest;
}

}  // namespace

std::string KeyDigest(absl::string_view authorization) { return authorization.empty() ? "" : Sha256(authorization); }

std::string TenantOf(absl::string_view authorization, absl::string_view user) {
  if (!authorization.empty()) return KeyDigest(authorization);
  return user.empty() ? "" : Sha256(absl::StrCat("user:", user));
}

}  // namespace baleen
