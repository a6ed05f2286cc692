#include "base/sha256.h"

#include <openssl/evp.h>

#include <cstdlib>

namespace baleen {

std::array<uint8_t, 32> Sha256(absl::string_view bytes) {
  std::array<uint8_t, 32> digest;
  unsigned int size = 0;
  // SHA-256 over memory can only fail when OpenSSL itself is broken.
  if (EVP_Digest(bytes.data(), bytes.size(), digest.data(), &size, EVP_sha256(), nullptr) != 1 || size != digest.size()) std::abort();
  return digest;
}

}  // namespace baleen
