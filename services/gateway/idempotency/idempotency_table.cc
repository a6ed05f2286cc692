#include "services/gateway/idempotency/idempotency_table.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>

#include <algorithm>
#include <cstring>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "services/gateway/api/api_error.h"

namespace baleen {
namespace {

std::string Sha256(absl::string_view text) {
  std::string digest(SHA256_DIGEST_LENGTH, 0);
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), reinterpret_cast<unsigned char*>(digest.data()));
  return digest;
}

}  // namespace

absl::StatusOr<ClaimedAnswer> IdempotencyTable::Claim(const std::string& caller, absl::string_view key, const std::string& digest,
                                                      const AnswerRecord& fresh, absl::Time now) {
  Keys& keys = callers_[caller];
  Expire(keys, now);
  const std::string name = Sha256(key);
  if (const auto it = keys.entries.find(name); it != keys.entries.end()) {
    Entry& entry = it->second;
    if (entry.digest != digest) {
      return WithErrorCode(absl::AlreadyExistsError("This Idempotency-Key was used for another request; take a new key for this one."),
                           "idempotency_key_reused");
    }
    if (entry.running) {
      const absl::Status running = absl::AbortedError("The request of this Idempotency-Key is being answered; try again later.");
      return WithRetryAfter(WithErrorCode(running, "idempotency_key_in_use"), absl::Seconds(1));
    }
    entry.running = true;
    return ClaimedAnswer{entry.record, /*repeat=*/true};
  }
  keys.entries[name] = {digest, fresh, /*running=*/true, now};
  keys.by_age.emplace_back(name, now);
  ++size_;
  DropSurplus();
  return ClaimedAnswer{fresh};
}

void IdempotencyTable::Release(const std::string& caller, absl::string_view key, const AnswerRecord& record, bool began) {
  const auto keys = callers_.find(caller);
  if (keys == callers_.end()) return;
  const auto entry = keys->second.entries.find(Sha256(key));
  // It may have been dropped, and claimed by another one.
  if (entry == keys->second.entries.end() || entry->second.record.request_id != record.request_id) return;
  if (!began) {
    keys->second.entries.erase(entry);
    return;
  }
  entry->second.running = false;
  entry->second.record = record;
}

void IdempotencyTable::DropOldest(Keys& keys) {
  const auto entry = keys.entries.find(keys.by_age.front().first);
  // The key may have been freed, and claimed anew later.
  if (entry != keys.entries.end() && entry->second.claimed == keys.by_age.front().second) keys.entries.erase(entry);
  keys.by_age.pop_front();
  --size_;
}

void IdempotencyTable::Expire(Keys& keys, absl::Time now) {
  while (!keys.by_age.empty() && now - keys.by_age.front().second >= limits_.window) DropOldest(keys);
}

// Whoever has most loses its oldest, so that nobody drives out others'.
void IdempotencyTable::DropSurplus() {
  while (size_ > limits_.max_entries) {
    const auto most = std::max_element(callers_.begin(), callers_.end(),
                                       [](const auto& a, const auto& b) { return a.second.by_age.size() < b.second.by_age.size(); });
    DropOldest(most->second);
  }
  if (callers_.size() > limits_.max_entries) std::erase_if(callers_, [](const auto& caller) { return caller.second.by_age.empty(); });
}

absl::Status CheckIdempotencyKey(absl::string_view key) {
  const bool printable = std::all_of(key.begin(), key.end(), [](char c) { return absl::ascii_isprint(static_cast<unsigned char>(c)); });
  if (!key.empty() && key.size() <= kMaxIdempotencyKeyChars && printable) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("Idempotency-Key must have 1 to ", kMaxIdempotencyKeyChars, " printable ASCII characters."));
}

std::string RequestDigest(absl::string_view path, absl::string_view body) { return Sha256(absl::StrCat(path, "\n", body)); }

uint64_t IdempotentSeed(absl::string_view secret, absl::string_view key, absl::string_view digest) {
  const std::string text = absl::StrCat("seed\n", digest, "\n", key);
  unsigned char mac[SHA256_DIGEST_LENGTH];
  HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()), reinterpret_cast<const unsigned char*>(text.data()), text.size(), mac,
       nullptr);
  uint64_t seed = 0;
  std::memcpy(&seed, mac, sizeof seed);
  return seed;
}

}  // namespace baleen
