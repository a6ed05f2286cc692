// What one tenant has asked for and used: its limits, its usage, its metrics.
#ifndef BALEEN_SERVICES_GATEWAY_TENANTS_TENANT_ACCOUNT_H_
#define BALEEN_SERVICES_GATEWAY_TENANTS_TENANT_ACCOUNT_H_

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "services/gateway/tenants/price_table.h"
#include "services/gateway/tenants/probe.h"
#include "services/gateway/tenants/rate_limiter.h"

namespace baleen {

struct TenantUsage {
  absl::Time since;
  int64_t requests = 0;
  BilledTokens tokens;
  int64_t streams = 0;  // Under way now.
};

// Thread-safe.
class TenantAccount {
 public:
  // `clock` is unowned.
  TenantAccount(std::string name, const TenantLimits& limits, Clock* clock, std::optional<PriceTable> prices, TenantProbe::Series series);

  const std::string& name() const { return name_; }
  void SetLimits(const TenantLimits& limits);

  // RESOURCE_EXHAUSTED with Retry-After past the limit of requests.
  absl::Status TakeRequest();
  // As BeginStream for a new one, but nothing is taken: refuses early what would be refused later.
  absl::Status CheckStream(int64_t least_price);
  // RESOURCE_EXHAUSTED past the limit of tokens or streams. What `resumes` was admitted before and is not refused.
  absl::Status BeginStream(int64_t price, bool resumes);
  // Once for each stream that was begun.
  void EndStream(int64_t price, int64_t used);
  void Bill(const BilledTokens& tokens);

  TenantUsage Usage() const;
  const std::optional<PriceTable>& prices() const { return prices_; }
  // OpenAI's x-ratelimit headers, as they are now; none where there is no limit.
  std::vector<std::pair<std::string, std::string>> LimitHeaders() const;

 private:
  absl::Status Counted(std::optional<RateLimiter::Refusal> refusal);

  const std::string name_;
  Clock* const clock_;
  const std::optional<PriceTable> prices_;
  mutable std::mutex mutex_;
  TenantProbe::Series series_;
  RateLimiter limiter_;
  TenantUsage usage_;
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_GATEWAY_TENANTS_TENANT_ACCOUNT_H_
