// Files that an operator writes for a gateway: tenants and prices. Accepted ones keep their bounds.

#include <cmath>
#include <cstdint>
#include <set>
#include <string>

#include "services/gateway/tenants/price_table.h"
#include "services/gateway/tenants/tenant_file.h"
#include "tests/fuzz/fuzz_input.h"

namespace baleen {
namespace {

void CheckTenants(const TenantFile& file) {
  Require(file.cache_secret.empty() || file.cache_secret.size() == 32, "a secret has 32 bytes");
  Require(file.tenants.size() <= kMaxTenants, "tenants keep their bound");
  std::set<std::string> names;
  std::set<KeyDigest> keys;
  for (const KeyEntry& key : file.admin_keys) Require(keys.insert(key.digest).second, "a key is there once");
  for (const TenantEntry& tenant : file.tenants) {
    Require(names.insert(tenant.name).second && !tenant.name.empty(), "a name is there once");
    Require(std::abs(tenant.priority) <= kMaxTenantPriority, "priorities keep their bound");
    const TenantLimits& limits = tenant.limits;
    Require(limits.requests_per_min >= 0 && limits.tokens_per_min >= 0 && limits.concurrent_streams >= 0, "limits are none or positive");
    Require(limits.requests_burst >= 0 && limits.requests_burst <= limits.requests_per_min, "a burst is part of a minute's requests");
    for (const KeyEntry& key : tenant.keys) Require(keys.insert(key.digest).second, "a key is there once");
  }
}

void CheckPrices(const PriceTable& prices) {
  const double cost = prices.CostOf({.input_cache_hit = INT64_MAX, .input_cache_miss = INT64_MAX, .output = INT64_MAX});
  Require(std::isfinite(cost) && cost >= 0, "a cost is a number");
}

}  // namespace
}  // namespace baleen

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text = baleen::FuzzInput(data, size).Rest();
  const auto tenants = baleen::ParseTenantFile(text);
  if (tenants.ok()) baleen::CheckTenants(*tenants);
  const auto prices = baleen::ParsePriceTable(text);
  if (prices.ok()) baleen::CheckPrices(*prices);
  baleen::Require(!tenants.ok() || !prices.ok(), "no text is both");
  return 0;
}
