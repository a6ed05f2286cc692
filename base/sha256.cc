#include "base/sha256.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <cstdlib>

namespace baleen {

// Over memory both can only fail when OpenSSL itself is broken.

Sha256Digest Sha256(absl::string_view bytes) {
  Sha256Digest digest;
  unsigned int size = 0;
  if (EVP_Digest(bytes.data(), bytes.size(), digest.data(), &size, EVP_sha256(), nullptr) != 1 || size != digest.size()) std::abort();
  return digest;
}

Sha256Digest HmacSha256(absl::string_view key, absl::string_view bytes) {
  Sha256Digest mac;
  unsigned int size = 0;
  const char* const secret = key.empty() ? "" : key.data();  // OpenSSL refuses null.
  const auto* const data = reinterpret_cast<const unsigned char*>(bytes.data());
  const void* const made = HMAC(EVP_sha256(), secret, static_cast<int>(key.size()), data, bytes.size(), mac.data(), &size);
  if (made == nullptr || size != mac.size()) std::abort();
  return mac;
}

std::string BytesOf(const Sha256Digest& digest) { return std::string(digest.begin(), digest.end()); }

}  // namespace baleen
