#include "services/gateway/tenants/tenant_account.h"

#include "absl/strings/str_cat.h"

namespace baleen {
namespace {

using Headers = std::vector<std::pair<std::string, std::string>>;

void AddHeaders(const char* what, const std::optional<LimitState>& state, Headers* headers) {
  if (!state) return;
  headers->emplace_back(absl::StrCat("x-ratelimit-limit-", what), absl::StrCat(state->limit));
  headers->emplace_back(absl::StrCat("x-ratelimit-remaining-", what), absl::StrCat(state->remaining));
  const absl::Duration reset = absl::Ceil(state->reset, absl::Milliseconds(1));
  // Nothing of a duration has a unit too.
  headers->emplace_back(absl::StrCat("x-ratelimit-reset-", what), reset == absl::ZeroDuration() ? "0s" : absl::FormatDuration(reset));
}

}  // namespace

TenantAccount::TenantAccount(std::string name, const TenantLimits& limits, Clock* clock, std::optional<PriceTable> prices,
                             TenantProbe::Series series)
    : name_(std::move(name)), clock_(clock), prices_(std::move(prices)), series_(series), limiter_(limits, clock->Now()) {
  usage_.since = clock->Now();
}

void TenantAccount::SetLimits(const TenantLimits& limits) {
  const std::lock_guard<std::mutex> lock(mutex_);
  limiter_.SetLimits(limits, clock_->Now());
}

absl::Status TenantAccount::Counted(std::optional<RateLimiter::Refusal> refusal) {
  if (!refusal) return absl::OkStatus();
  series_.Refused(refusal->kind);
  return std::move(refusal->status);
}

absl::Status TenantAccount::TakeRequest() {
  const std::lock_guard<std::mutex> lock(mutex_);
  return Counted(limiter_.TakeRequest(clock_->Now()));
}

absl::Status TenantAccount::CheckStream(int64_t least_price) {
  const std::lock_guard<std::mutex> lock(mutex_);
  return Counted(limiter_.CheckStream(least_price, clock_->Now()));
}

absl::Status TenantAccount::BeginStream(int64_t price, bool resumes) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (resumes) {
    limiter_.ResumeStream(price, clock_->Now());
  } else if (absl::Status status = Counted(limiter_.BeginStream(price, clock_->Now())); !status.ok()) {
    return status;
  }
  if (!resumes) {
    ++usage_.requests;
    series_.Request();
  }
  usage_.streams = limiter_.streams();
  series_.Streams(usage_.streams);
  return absl::OkStatus();
}

void TenantAccount::EndStream(int64_t price, int64_t used) {
  const std::lock_guard<std::mutex> lock(mutex_);
  limiter_.EndStream(price, used, clock_->Now());
  usage_.streams = limiter_.streams();
  series_.Streams(usage_.streams);
}

void TenantAccount::Bill(const BilledTokens& tokens) {
  const std::lock_guard<std::mutex> lock(mutex_);
  usage_.tokens.input_cache_hit += tokens.input_cache_hit;
  usage_.tokens.input_cache_miss += tokens.input_cache_miss;
  usage_.tokens.output += tokens.output;
  series_.Tokens(tokens, prices_);
}

TenantUsage TenantAccount::Usage() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return usage_;
}

Headers TenantAccount::LimitHeaders() const {
  Headers headers;
  const std::lock_guard<std::mutex> lock(mutex_);
  const absl::Time now = clock_->Now();
  AddHeaders("requests", limiter_.Requests(now), &headers);
  AddHeaders("tokens", limiter_.Tokens(now), &headers);
  return headers;
}

}  // namespace baleen
