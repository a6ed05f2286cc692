#include "services/gateway/api/derived_seed.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>

#include <cstring>
#include <string>

#include "absl/strings/str_cat.h"

namespace baleen {

uint64_t DerivedSeed(absl::string_view secret, absl::string_view name, absl::string_view digest) {
  const std::string text = absl::StrCat("seed\n", digest, "\n", name);
  unsigned char mac[SHA256_DIGEST_LENGTH];
  HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()), reinterpret_cast<const unsigned char*>(text.data()), text.size(), mac,
       nullptr);
  uint64_t seed = 0;
  std::memcpy(&seed, mac, sizeof seed);
  return seed;
}

}  // namespace baleen
