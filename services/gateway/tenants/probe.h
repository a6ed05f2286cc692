// Metrics by tenant. Names come from the tenants file, so there are as many series as the operator wrote down.
#ifndef BALEEN_SERVICES_GATEWAY_TENANTS_PROBE_H_
#define BALEEN_SERVICES_GATEWAY_TENANTS_PROBE_H_

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/registry.h>

#include <memory>
#include <optional>
#include <string>

#include "services/gateway/tenants/price_table.h"
#include "services/gateway/tenants/rate_limiter.h"

namespace baleen {

// Thread-safe.
class TenantProbe {
 public:
  // The series of one tenant.
  class Series {
   public:
    void Streams(int64_t now) { streams_->Set(static_cast<double>(now)); }
    void Request() { requests_->Increment(); }
    // `prices` as the probe's.
    void Tokens(const BilledTokens& tokens, const std::optional<PriceTable>& prices);
    void Refused(LimitKind kind);

   private:
    friend class TenantProbe;
    prometheus::Gauge* streams_ = nullptr;
    prometheus::Counter* requests_ = nullptr;
    // Input found in the prefix cache, other input, output.
    prometheus::Counter* tokens_[3] = {};
    prometheus::Counter* cost_[3] = {};  // Null without prices.
    prometheus::Counter* refused_[3] = {};
  };

  // Costs have their metric where there are prices.
  TenantProbe(prometheus::Registry& registry, const std::optional<PriceTable>& prices);

  // The same series for the same name. They live as long as the registry.
  Series For(const std::string& tenant);
  void Reloaded(bool ok) { reloads_.Add({{"result", ok ? "ok" : "failed"}}).Increment(); }

 private:
  const std::string currency_;
  prometheus::Family<prometheus::Gauge>& streams_;
  prometheus::Family<prometheus::Counter>& requests_;
  prometheus::Family<prometheus::Counter>& tokens_;
  prometheus::Family<prometheus::Counter>* cost_;
  prometheus::Family<prometheus::Counter>& refused_;
  prometheus::Family<prometheus::Counter>& reloads_;
};

}  // namespace baleen

#endif  // BALEEN_SERVICES_GATEWAY_TENANTS_PROBE_H_
