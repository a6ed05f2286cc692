#include "services/gateway/tenants/probe.h"

#include <cstddef>
#include <iterator>

namespace baleen {
namespace {

prometheus::Family<prometheus::Counter>& Counters(prometheus::Registry& registry, const char* name, const char* help) {
  return prometheus::BuildCounter().Name(name).Help(help).Register(registry);
}

constexpr const char* kLimitNames[] = {"requests", "tokens", "streams"};
constexpr const char* kKindNames[] = {"input_cache_hit", "input_cache_miss", "output"};

}  // namespace

void TenantProbe::Series::Tokens(const BilledTokens& tokens, const std::optional<PriceTable>& prices) {
  const BilledTokens kinds[] = {
      {.input_cache_hit = tokens.input_cache_hit}, {.input_cache_miss = tokens.input_cache_miss}, {.output = tokens.output}};
  for (size_t kind = 0; kind < std::size(kinds); ++kind) {
    const BilledTokens& one = kinds[kind];
    tokens_[kind]->Increment(static_cast<double>(one.input_cache_hit + one.input_cache_miss + one.output));
    if (cost_[kind] != nullptr) cost_[kind]->Increment(prices->CostOf(one));
  }
}

void TenantProbe::Series::Refused(LimitKind kind) { refused_[static_cast<size_t>(kind)]->Increment(); }

TenantProbe::TenantProbe(prometheus::Registry& registry, const std::optional<PriceTable>& prices)
    : currency_(prices ? prices->currency : ""),
      streams_(prometheus::BuildGauge().Name("baleen_tenant_streams").Help("Requests that a tenant has under way.").Register(registry)),
      requests_(Counters(registry, "baleen_tenant_requests_total", "Requests begun, by tenant.")),
      tokens_(Counters(registry, "baleen_tenant_tokens_total", "Tokens billed, by tenant and by what they cost.")),
      cost_(prices ? &Counters(registry, "baleen_tenant_cost_total", "Money for the tokens billed, by tenant and by what they are.")
                   : nullptr),
      refused_(Counters(registry, "baleen_tenant_refused_total", "Requests refused by their tenant's limits.")),
      reloads_(Counters(registry, "baleen_tenants_reloads_total", "Times that the tenants file was read again.")) {
  for (const char* result : {"ok", "failed"}) reloads_.Add({{"result", result}});
}

TenantProbe::Series TenantProbe::For(const std::string& tenant) {
  Series series;
  series.streams_ = &streams_.Add({{"tenant", tenant}});
  series.requests_ = &requests_.Add({{"tenant", tenant}});
  for (size_t kind = 0; kind < std::size(kKindNames); ++kind) {
    series.tokens_[kind] = &tokens_.Add({{"tenant", tenant}, {"kind", kKindNames[kind]}});
    if (cost_ == nullptr) continue;
    series.cost_[kind] = &cost_->Add({{"tenant", tenant}, {"currency", currency_}, {"kind", kKindNames[kind]}});
  }
  for (const LimitKind kind : {LimitKind::kRequests, LimitKind::kTokens, LimitKind::kStreams}) {
    const size_t place = static_cast<size_t>(kind);
    series.refused_[place] = &refused_.Add({{"tenant", tenant}, {"limit", kLimitNames[place]}});
  }
  return series;
}

}  // namespace baleen
