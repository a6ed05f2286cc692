#include "services/gateway/tenants/api_key.h"

#include <openssl/crypto.h>

#include <algorithm>
#include <cstring>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"

namespace baleen {
namespace {

uint32_t BucketOf(const KeyDigest& digest) {
  uint32_t bucket = 0;
  std::memcpy(&bucket, digest.data(), sizeof bucket);
  return bucket;
}

}  // namespace

KeyDigest DigestOfKey(absl::string_view key) { return Sha256(key); }

absl::StatusOr<KeyDigest> KeyDigestFromHex(absl::string_view hex) {
  KeyDigest digest;
  const bool digits = std::all_of(hex.begin(), hex.end(), [](char c) { return absl::ascii_isxdigit(static_cast<unsigned char>(c)); });
  if (hex.size() != 2 * digest.size() || !digits) return absl::InvalidArgumentError("must be 64 hex digits.");
  const std::string bytes = absl::HexStringToBytes(hex);
  std::copy(bytes.begin(), bytes.end(), digest.begin());
  return digest;
}

std::string KeyDigestToHex(const KeyDigest& digest) { return absl::BytesToHexString(BytesOf(digest)); }

absl::string_view BearerKey(absl::string_view authorization) {
  constexpr absl::string_view kScheme = "Bearer ";
  if (!absl::StartsWithIgnoreCase(authorization, kScheme)) return "";
  return absl::StripAsciiWhitespace(authorization.substr(kScheme.size()));
}

absl::Status KeyRing::Add(const KeyDigest& digest, size_t owner) {
  std::vector<std::pair<KeyDigest, size_t>>& bucket = entries_[BucketOf(digest)];
  for (const auto& [known, other] : bucket) {
    if (known == digest) return absl::AlreadyExistsError("is there twice.");
  }
  bucket.emplace_back(digest, owner);
  ++size_;
  return absl::OkStatus();
}

std::optional<size_t> KeyRing::Find(absl::string_view key) const {
  const KeyDigest digest = DigestOfKey(key);
  const auto bucket = entries_.find(BucketOf(digest));
  if (key.empty() || bucket == entries_.end()) return std::nullopt;
  std::optional<size_t> found;
  for (const auto& [known, owner] : bucket->second) {
    if (CRYPTO_memcmp(known.data(), digest.data(), digest.size()) == 0) found = owner;
  }
  return found;
}

}  // namespace baleen
