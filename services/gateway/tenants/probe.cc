#include "services/gateway/tenants/probe.h"

namespace baleen {
namespace {

prometheus::Family<prometheus::Counter>& Counters(prometheus::Registry& registry, const char* name, const char* help) {
  return prometheus::BuildCounter().Name(name).Help(help).Register(registry);
}

constexpr const char* kLimitNames[] = {"requests", "tokens", "streams"};

}  // namespace

void TenantProbe::Series::Tokens(const BilledTokens& tokens, double cost) {
  input_cache_hit_->Increment(static_cast<double>(tokens.input_cache_hit));
  input_cache_miss_->Increment(static_cast<double>(tokens.input_cache_miss));
  output_->Increment(static_cast<double>(tokens.output));
  if (cost_ != nullptr) cost_->Increment(cost);
}

void TenantProbe::Series::Refused(LimitKind kind) { refused_[static_cast<size_t>(kind)]->Increment(); }

TenantProbe::TenantProbe(prometheus::Registry& registry, const std::optional<PriceTable>& prices)
    : currency_(prices ? prices->currency : ""),
      streams_(prometheus::BuildGauge().Name("baleen_tenant_streams").Help("Requests that a tenant has under way.").Register(registry)),
      requests_(Counters(registry, "baleen_tenant_requests_total", "Requests begun, by tenant.")),
      tokens_(Counters(registry, "baleen_tenant_tokens_total", "Tokens billed, by tenant and by what they cost.")),
      cost_(prices ? &Counters(registry, "baleen_tenant_cost_total", "Money for the tokens billed, by tenant.") : nullptr),
      refused_(Counters(registry, "baleen_tenant_refused_total", "Requests refused by their tenant's limits.")),
      reloads_(Counters(registry, "baleen_tenants_reloads_total", "Times that the tenants file was read again.")) {
  for (const char* result : {"ok", "failed"}) reloads_.Add({{"result", result}});
}

TenantProbe::Series TenantProbe::For(const std::string& tenant) {
  Series series;
  series.streams_ = &streams_.Add({{"tenant", tenant}});
  series.requests_ = &requests_.Add({{"tenant", tenant}});
  series.input_cache_hit_ = &tokens_.Add({{"tenant", tenant}, {"kind", "input_cache_hit"}});
  series.input_cache_miss_ = &tokens_.Add({{"tenant", tenant}, {"kind", "input_cache_miss"}});
  series.output_ = &tokens_.Add({{"tenant", tenant}, {"kind", "output"}});
  if (cost_ != nullptr) series.cost_ = &cost_->Add({{"tenant", tenant}, {"currency", currency_}});
  for (const LimitKind kind : {LimitKind::kRequests, LimitKind::kTokens, LimitKind::kStreams}) {
    const size_t place = static_cast<size_t>(kind);
    series.refused_[place] = &refused_.Add({{"tenant", tenant}, {"limit", kLimitNames[place]}});
  }
  return series;
}

}  // namespace baleen
