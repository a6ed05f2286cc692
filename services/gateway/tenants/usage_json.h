// A tenant's usage as JSON.
#ifndef BALEEN_SERVICES_GATEWAY_TENANTS_USAGE_JSON_H_
#define BALEEN_SERVICES_GATEWAY_TENANTS_USAGE_JSON_H_

#include <boost/json/object.hpp>

#include "services/gateway/tenants/tenant_account.h"

namespace baleen {

// {"object": "usage", "tenant", "since", "requests", "input_cache_hit_tokens", "input_cache_miss_tokens", "output_tokens",
// "concurrent_streams", "cost": {"currency", "amount"}, "prices": {"currency", "input_cache_hit", "input_cache_miss", "output"}}. Prices
// are for a million tokens; cost and prices are null without a price table.
boost::json::object UsageObject(const TenantAccount& account);

}  // namespace baleen

#endif  // BALEEN_SERVICES_GATEWAY_TENANTS_USAGE_JSON_H_
