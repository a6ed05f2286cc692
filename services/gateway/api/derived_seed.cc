#include "services/gateway/api/derived_seed.h"

#include <cstring>

#include "absl/strings/str_cat.h"
#include "base/sha256.h"

namespace baleen {

uint64_t DerivedSeed(absl::string_view secret, absl::string_view name, absl::string_view digest) {
  const Sha256Digest mac = HmacSha256(secret, absl::StrCat("seed\n", digest, "\n", name));
  uint64_t seed = 0;
  std::memcpy(&seed, mac.data(), sizeof seed);
  return seed;
}

}  // namespace baleen
