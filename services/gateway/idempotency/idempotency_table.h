// What idempotency keys stand for: of each request under one, how to give its answer again. No text is kept.
#ifndef BALEEN_SERVICES_GATEWAY_IDEMPOTENCY_IDEMPOTENCY_TABLE_H_
#define BALEEN_SERVICES_GATEWAY_IDEMPOTENCY_IDEMPOTENCY_TABLE_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace baleen {

// What an answer depends on beside the request: with these it comes out the same to the bit.
struct AnswerRecord {
  std::string request_id;  // 16 bytes; as the client knows it.
  uint64_t seed = 0;
  int64_t created_unix_s = 0;
  int64_t prompt_cache_hit_tokens = 0;  // As the first answer told; set once `answered`.
  bool answered = false;                // In full.
};

struct ClaimedAnswer {
  AnswerRecord record;
  bool repeat = false;  // There was one before, whose record it is.
};

struct IdempotencyLimits {
  size_t max_entries = 65536;
  absl::Duration window = absl::Hours(24);
};

// A function of the calls and times. Thread-compatible.
class IdempotencyTable {
 public:
  explicit IdempotencyTable(const IdempotencyLimits& limits) : limits_(limits) {}

  // Puts a request under its caller's key until Release. `digest` is that of all that the answer depends on; `fresh` is what it will
  // depend on if this is the first one under this key and digest. ALREADY_EXISTS when the key stands for another digest, ABORTED with
  // Retry-After while the earlier request runs.
  absl::StatusOr<ClaimedAnswer> Claim(const std::string& caller, absl::string_view key, const std::string& digest,
                                      const AnswerRecord& fresh, absl::Time now);
  // The request that claimed `record` has ended. Keeps it for the rest of the window, unless the request never `began`: then the key is
  // free.
  void Release(const std::string& caller, absl::string_view key, const AnswerRecord& record, bool began);

  // Claims remembered, freed ones too until they are as old as the window.
  size_t size() const { return claims_.size(); }

 private:
  struct Entry {
    std::string digest;
    AnswerRecord record;
    bool running = false;
    uint64_t claim = 0;
  };
  struct Keys {
    std::map<std::string, Entry> entries;  // By the key's digest.
    std::deque<uint64_t> claims;           // By age, never none; those of entries that are gone are passed over.
  };
  // Numbered as they came.
  struct Claimed {
    std::string caller;
    std::string key;  // Its digest.
    absl::Time at;
  };
  // The greatest is that of who has most claims, among them of the one whose oldest is the oldest of all.
  using Rank = std::pair<size_t, uint64_t>;

  static Rank RankOf(const Keys& keys) { return {keys.claims.size(), ~keys.claims.front()}; }
  uint64_t AddClaim(const std::string& caller, Keys& keys, const std::string& key, absl::Time now);
  // The caller's oldest.
  void DropClaim(uint64_t claim);
  void Expire(absl::Time now);
  void DropSurplus();

  const IdempotencyLimits limits_;
  std::map<std::string, Keys> callers_;
  std::set<Rank> ranks_;  // Of callers.
  std::map<uint64_t, Claimed> claims_;
  uint64_t last_claim_ = 0;
};

inline constexpr size_t kMaxIdempotencyKeyChars = 255;

// 1 to kMaxIdempotencyKeyChars printable ASCII characters; INVALID_ARGUMENT says so.
absl::Status CheckIdempotencyKey(absl::string_view key);

// SHA-256 of what an answer depends on.
std::string RequestDigest(absl::string_view path, absl::string_view body);

}  // namespace baleen

#endif  // BALEEN_SERVICES_GATEWAY_IDEMPOTENCY_IDEMPOTENCY_TABLE_H_
