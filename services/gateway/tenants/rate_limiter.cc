#include "services/gateway/tenants/rate_limiter.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "services/gateway/api/api_error.h"

namespace baleen {
namespace {

constexpr double kSecondsPerMinute = 60;

// Sums of fractions of a request must not come out as just below a whole one.
constexpr double kSlack = 1e-6;

int64_t RequestsBurst(const TenantLimits& limits) { return limits.requests_burst > 0 ? limits.requests_burst : limits.requests_per_min; }

absl::Status Refused(absl::string_view why, absl::Duration wait) {
  return WithRetryAfter(absl::ResourceExhaustedError(why), std::max(absl::Ceil(wait, absl::Seconds(1)), absl::Seconds(1)));
}

}  // namespace

double TokenBucket::LevelAt(absl::Time now) const {
  const double seconds = std::max(0.0, absl::ToDoubleSeconds(now - filled_));
  return std::min(static_cast<double>(burst_), level_ + seconds * static_cast<double>(per_min_) / kSecondsPerMinute);
}

bool TokenBucket::Has(int64_t amount, absl::Time now) const {
  return per_min_ == 0 || LevelAt(now) + kSlack >= static_cast<double>(amount);
}

bool TokenBucket::Take(int64_t amount, absl::Time now) {
  if (!Has(amount, now)) return false;
  TakeAnyway(amount, now);
  return true;
}

void TokenBucket::TakeAnyway(int64_t amount, absl::Time now) {
  if (per_min_ == 0) return;
  level_ = LevelAt(now) - static_cast<double>(amount);
  filled_ = std::max(filled_, now);
}

void TokenBucket::GiveBack(int64_t amount, absl::Time now) {
  level_ = std::min(static_cast<double>(burst_), LevelAt(now) + static_cast<double>(amount));  // The rate may have become lower.
  filled_ = std::max(filled_, now);
}

absl::Duration TokenBucket::Until(int64_t amount, absl::Time now) const {
  if (per_min_ == 0) return absl::ZeroDuration();
  if (amount > burst_) return absl::InfiniteDuration();
  const double missing = static_cast<double>(amount) - LevelAt(now);
  return absl::Seconds(std::max(0.0, missing) * kSecondsPerMinute / static_cast<double>(per_min_));
}

LimitState TokenBucket::State(absl::Time now) const {
  const double level = LevelAt(now);
  return {per_min_, static_cast<int64_t>(std::floor(std::max(0.0, level + kSlack))), Until(burst_, now)};
}

void TokenBucket::SetRate(int64_t per_min, int64_t burst, absl::Time now) {
  const double used = static_cast<double>(burst_) - LevelAt(now);
  per_min_ = per_min;
  burst_ = burst;
  level_ = static_cast<double>(burst) - used;
  filled_ = std::max(filled_, now);
}

RateLimiter::RateLimiter(const TenantLimits& limits, absl::Time now)
    : requests_(limits.requests_per_min, RequestsBurst(limits), now),
      tokens_(limits.tokens_per_min, limits.tokens_per_min, now),
      max_streams_(limits.concurrent_streams) {}

std::optional<RateLimiter::Refusal> RateLimiter::TakeRequest(absl::Time now) {
  if (requests_.Take(1, now)) return std::nullopt;
  const std::string why = absl::StrCat("The limit of ", requests_.per_min(), " requests a minute is reached.");
  return Refusal{LimitKind::kRequests, Refused(why, requests_.Until(1, now))};
}

std::optional<RateLimiter::Refusal> RateLimiter::CheckStream(int64_t price, absl::Time now) const {
  if (max_streams_ > 0 && streams_ >= max_streams_) {
    const std::string why = absl::StrCat("The limit of ", max_streams_, " requests at a time is reached.");
    return Refusal{LimitKind::kStreams, Refused(why, absl::ZeroDuration())};
  }
  if (tokens_.per_min() > 0 && price > tokens_.per_min()) {
    // Not to be tried again as it is.
    const std::string why = absl::StrCat("The request may need ", price, " tokens (its prompt, and 'max_tokens' for each choice); ",
                                         "the limit is ", tokens_.per_min(), " a minute. Ask for fewer.");
    return Refusal{LimitKind::kTokens, WithRetryAfter(absl::ResourceExhaustedError(why), absl::ZeroDuration())};
  }
  if (!tokens_.Has(price, now)) {
    const std::string why =
        absl::StrCat("The limit of ", tokens_.per_min(), " tokens a minute is reached: the request may need ", price, ".");
    return Refusal{LimitKind::kTokens, Refused(why, tokens_.Until(price, now))};
  }
  return std::nullopt;
}

std::optional<RateLimiter::Refusal> RateLimiter::BeginStream(int64_t price, absl::Time now) {
  if (std::optional<Refusal> refusal = CheckStream(price, now)) return refusal;
  tokens_.TakeAnyway(price, now);
  ++streams_;
  return std::nullopt;
}

void RateLimiter::ResumeStream(int64_t price, absl::Time now) {
  tokens_.TakeAnyway(price, now);
  ++streams_;
}

void RateLimiter::EndStream(int64_t price, int64_t used, absl::Time now) {
  --streams_;
  tokens_.GiveBack(std::max<int64_t>(0, price - used), now);
}

void RateLimiter::SetLimits(const TenantLimits& limits, absl::Time now) {
  requests_.SetRate(limits.requests_per_min, RequestsBurst(limits), now);
  tokens_.SetRate(limits.tokens_per_min, limits.tokens_per_min, now);
  max_streams_ = limits.concurrent_streams;
}

std::optional<LimitState> RateLimiter::Requests(absl::Time now) const {
  if (requests_.per_min() == 0) return std::nullopt;
  return requests_.State(now);
}

std::optional<LimitState> RateLimiter::Tokens(absl::Time now) const {
  if (tokens_.per_min() == 0) return std::nullopt;
  return tokens_.State(now);
}

}  // namespace baleen
