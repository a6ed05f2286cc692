// What one tenant may ask for: requests and tokens a minute, streams at a time.
#ifndef BALEEN_SERVICES_GATEWAY_TENANTS_RATE_LIMITER_H_
#define BALEEN_SERVICES_GATEWAY_TENANTS_RATE_LIMITER_H_

#include <cstdint>
#include <optional>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace baleen {

// 0 = no limit.
struct TenantLimits {
  int64_t requests_per_min = 0;
  int64_t requests_burst = 0;  // Of them, how many may come at once; 0 = all.
  int64_t tokens_per_min = 0;
  int64_t concurrent_streams = 0;
};

enum class LimitKind { kRequests, kTokens, kStreams };

// A limit as its tenant sees it.
struct LimitState {
  int64_t limit = 0;
  int64_t remaining = 0;
  absl::Duration reset;  // Until nothing of it is used.
};

// Fills evenly and holds up to `burst`: so much a tenant that waited may ask for at once. Thread-compatible.
class TokenBucket {
 public:
  // Full.
  TokenBucket(int64_t per_min, int64_t burst, absl::Time now)
      : per_min_(per_min), burst_(burst), level_(static_cast<double>(burst)), filled_(now) {}

  bool Has(int64_t amount, absl::Time now) const;
  // False, and nothing taken, when there is less.
  bool Take(int64_t amount, absl::Time now);
  // Also when there is less: the next ones wait longer.
  void TakeAnyway(int64_t amount, absl::Time now);
  void GiveBack(int64_t amount, absl::Time now);
  // In how long there will be so much. More than the burst never is.
  absl::Duration Until(int64_t amount, absl::Time now) const;
  LimitState State(absl::Time now) const;
  // What was used stays used.
  void SetRate(int64_t per_min, int64_t burst, absl::Time now);
  int64_t per_min() const { return per_min_; }

 private:
  double LevelAt(absl::Time now) const;

  int64_t per_min_;  // 0 = no limit.
  int64_t burst_;
  double level_;
  absl::Time filled_;
};

// A function of the calls and times: it has no clock. A clock that goes back stops the filling. Thread-compatible.
class RateLimiter {
 public:
  struct Refusal {
    LimitKind kind;
    absl::Status status;  // RESOURCE_EXHAUSTED with Retry-After, unless waiting does not help.
  };

  RateLimiter(const TenantLimits& limits, absl::Time now);

  // One request, whatever becomes of it.
  std::optional<Refusal> TakeRequest(absl::Time now);
  // What BeginStream would say; nothing is taken.
  std::optional<Refusal> CheckStream(int64_t price, absl::Time now) const;
  // A stream, and the tokens that it may need at most: `price` is taken in advance.
  std::optional<Refusal> BeginStream(int64_t price, absl::Time now);
  // As BeginStream for one that was admitted before, which is not refused.
  void ResumeStream(int64_t price, absl::Time now);
  // The stream has ended, having used so much of its price.
  void EndStream(int64_t price, int64_t used, absl::Time now);

  // Streams under way go on.
  void SetLimits(const TenantLimits& limits, absl::Time now);
  // nullopt where there is no limit.
  std::optional<LimitState> Requests(absl::Time now) const;
  std::optional<LimitState> Tokens(absl::Time now) const;
  int64_t streams() const { return streams_; }

 private:
  TokenBucket requests_;
  TokenBucket tokens_;
  int64_t max_streams_;
  int64_t streams_ = 0;
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_GATEWAY_TENANTS_RATE_LIMITER_H_
