// What tokens cost.
#ifndef BALEEN_SERVICES_GATEWAY_TENANTS_PRICE_TABLE_H_
#define BALEEN_SERVICES_GATEWAY_TENANTS_PRICE_TABLE_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace baleen {

// Tokens by what they cost: prompt tokens found in the prefix cache, the other prompt tokens, generated tokens.
struct BilledTokens {
  int64_t input_cache_hit = 0;
  int64_t input_cache_miss = 0;
  int64_t output = 0;
};

struct PriceTable {
  std::string currency;  // Three capital letters, as in ISO 4217.
  // For a million tokens.
  double input_cache_hit = 0;
  double input_cache_miss = 0;
  double output = 0;

  double CostOf(const BilledTokens& tokens) const;
};

// JSON: {"currency", "input_cache_hit_per_million", "input_cache_miss_per_million", "output_per_million"}, all required.
// INVALID_ARGUMENT names the field that is wrong or unknown.
absl::StatusOr<PriceTable> ParsePriceTable(absl::string_view text);
// As above; errors name `path` too.
absl::StatusOr<PriceTable> ReadPriceTable(const std::string& path);

}  // namespace baleen

#endif  // BALEEN_SERVICES_GATEWAY_TENANTS_PRICE_TABLE_H_
