#include "services/gateway/tenants/usage_json.h"

#include <boost/json.hpp>

namespace baleen {

boost::json::object UsageObject(const TenantAccount& account) {
  const TenantUsage usage = account.Usage();
  boost::json::object object{{"object", "usage"},
                             {"tenant", account.name()},
                             {"since", absl::ToUnixSeconds(usage.since)},
                             {"requests", usage.requests},
                             {"input_cache_hit_tokens", usage.tokens.input_cache_hit},
                             {"input_cache_miss_tokens", usage.tokens.input_cache_miss},
                             {"output_tokens", usage.tokens.output},
                             {"concurrent_streams", usage.streams},
                             {"cost", nullptr},
                             {"prices", nullptr}};
  if (const std::optional<PriceTable>& prices = account.prices()) {
    object["cost"] = boost::json::object{{"currency", prices->currency}, {"amount", prices->CostOf(usage.tokens)}};
    object["prices"] = boost::json::object{{"currency", prices->currency},
                                           {"input_cache_hit", prices->input_cache_hit},
                                           {"input_cache_miss", prices->input_cache_miss},
                                           {"output", prices->output}};
  }
  return object;
}

}  // namespace baleen
