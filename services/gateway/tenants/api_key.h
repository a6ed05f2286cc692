// API keys as the gateway knows them: by digest alone.
#ifndef BALEEN_SERVICES_GATEWAY_TENANTS_API_KEY_H_
#define BALEEN_SERVICES_GATEWAY_TENANTS_API_KEY_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "base/sha256.h"

namespace baleen {

// SHA-256 of a key. Enough without salt or stretching for keys of 128 random bits and more, such as `baleen keys` makes.
using KeyDigest = Sha256Digest;

KeyDigest DigestOfKey(absl::string_view key);
// INVALID_ARGUMENT unless it is 64 hex digits.
absl::StatusOr<KeyDigest> KeyDigestFromHex(absl::string_view hex);
std::string KeyDigestToHex(const KeyDigest& digest);

// The key in "Bearer KEY"; empty when the header is none.
absl::string_view BearerKey(absl::string_view authorization);

// Digests and whose they are. Thread-compatible.
class KeyRing {
 public:
  // ALREADY_EXISTS when the digest is on the ring.
  absl::Status Add(const KeyDigest& digest, size_t owner);
  // Digests are compared in constant time. They are found by their first 32 bits, so time may tell that some digest begins as this
  // one does, which says nothing about a key that is not known already.
  std::optional<size_t> Find(absl::string_view key) const;
  size_t size() const { return size_; }

 private:
  std::unordered_map<uint32_t, std::vector<std::pair<KeyDigest, size_t>>> entries_;
  size_t size_ = 0;
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_GATEWAY_TENANTS_API_KEY_H_
