#include "services/gateway/idempotency/idempotency_table.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/sha256.h"
#include "services/gateway/api/api_error.h"

namespace baleen {

absl::StatusOr<ClaimedAnswer> IdempotencyTable::Claim(const std::string& caller, absl::string_view key, const std::string& digest,
                                                      const AnswerRecord& fresh, absl::Time now) {
  Expire(now);
  Keys& keys = callers_[caller];
  const std::string name = BytesOf(Sha256(key));
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
  keys.entries[name] = {digest, fresh, /*running=*/true, AddClaim(caller, keys, name, now)};
  DropSurplus();
  return ClaimedAnswer{fresh};
}

void IdempotencyTable::Release(const std::string& caller, absl::string_view key, const AnswerRecord& record, bool began) {
  const auto keys = callers_.find(caller);
  if (keys == callers_.end()) return;
  const auto entry = keys->second.entries.find(BytesOf(Sha256(key)));
  // It may have been dropped, and claimed by another one.
  if (entry == keys->second.entries.end() || entry->second.record.request_id != record.request_id) return;
  if (!began) {
    keys->second.entries.erase(entry);
    return;
  }
  entry->second.running = false;
  entry->second.record = record;
}

uint64_t IdempotencyTable::AddClaim(const std::string& caller, Keys& keys, const std::string& key, absl::Time now) {
  if (!keys.claims.empty()) ranks_.erase(RankOf(keys));
  claims_[++last_claim_] = {caller, key, now};
  keys.claims.push_back(last_claim_);
  ranks_.insert(RankOf(keys));
  return last_claim_;
}

void IdempotencyTable::DropClaim(uint64_t claim) {
  const auto claimed = claims_.find(claim);
  const auto caller = callers_.find(claimed->second.caller);
  Keys& keys = caller->second;
  const auto entry = keys.entries.find(claimed->second.key);
  // The key may have been freed, and claimed anew later.
  if (entry != keys.entries.end() && entry->second.claim == claim) keys.entries.erase(entry);
  claims_.erase(claimed);
  ranks_.erase(RankOf(keys));
  keys.claims.pop_front();
  if (keys.claims.empty()) {
    callers_.erase(caller);
  } else {
    ranks_.insert(RankOf(keys));
  }
}

// The oldest of all is its caller's oldest too.
void IdempotencyTable::Expire(absl::Time now) {
  while (!claims_.empty() && now - claims_.begin()->second.at >= limits_.window) DropClaim(claims_.begin()->first);
}

// Whoever has most loses its oldest, so that nobody drives out others'.
void IdempotencyTable::DropSurplus() {
  while (claims_.size() > limits_.max_entries) DropClaim(~ranks_.rbegin()->second);
}

absl::Status CheckIdempotencyKey(absl::string_view key) {
  const bool printable = std::all_of(key.begin(), key.end(), [](char c) { return absl::ascii_isprint(static_cast<unsigned char>(c)); });
  if (!key.empty() && key.size() <= kMaxIdempotencyKeyChars && printable) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("Idempotency-Key must have 1 to ", kMaxIdempotencyKeyChars, " printable ASCII characters."));
}

std::string RequestDigest(absl::string_view path, absl::string_view body) { return BytesOf(Sha256(absl::StrCat(path, "\n", body))); }

}  // namespace baleen
