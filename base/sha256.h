// SHA-256 (FIPS 180-4) and HMAC over it (RFC 2104).
#ifndef BALEEN_BASE_SHA256_H_
#define BALEEN_BASE_SHA256_H_

#include <array>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

namespace baleen {

using Sha256Digest = std::array<uint8_t, 32>;

Sha256Digest Sha256(absl::string_view bytes);

// The key may have any length, none too.
Sha256Digest HmacSha256(absl::string_view key, absl::string_view bytes);

// The digest's 32 bytes as they are, for what is kept as a string.
std::string BytesOf(const Sha256Digest& digest);

}  // namespace baleen

#endif  // BALEEN_BASE_SHA256_H_
