#include "services/gateway/tenants/price_table.h"

#include <algorithm>
#include <boost/json.hpp>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "model/tokenizer/json_text.h"
#include "services/gateway/api/api_error.h"
#include "services/gateway/api/json_fields.h"
#include "services/gateway/tenants/file_fields.h"

namespace baleen {
namespace {

namespace json = boost::json;

constexpr double kTokensPerPrice = 1e6;
constexpr double kMaxPrice = 1e6;
constexpr size_t kMaxFileBytes = 64 << 10;

constexpr char kCurrency[] = "currency";
constexpr char kInputCacheHit[] = "input_cache_hit_per_million";
constexpr char kInputCacheMiss[] = "input_cache_miss_per_million";
constexpr char kOutput[] = "output_per_million";

absl::StatusOr<double> ReadPrice(const json::object& object, const char* name) {
  ASSIGN_OR_RETURN(const auto price, ReadNumber(object, name, 0, kMaxPrice));
  if (!price) return InvalidField(name, "is required.");
  return *price;
}

bool IsCurrency(const std::string& text) {
  return text.size() == 3 && std::all_of(text.begin(), text.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
}

}  // namespace

double PriceTable::CostOf(const BilledTokens& tokens) const {
  return (static_cast<double>(tokens.input_cache_hit) * input_cache_hit + static_cast<double>(tokens.input_cache_miss) * input_cache_miss +
          static_cast<double>(tokens.output) * output) /
         kTokensPerPrice;
}

absl::StatusOr<PriceTable> ParsePriceTable(absl::string_view text) {
  ASSIGN_OR_RETURN(const json::object object, ParseFile(text));
  RETURN_IF_ERROR(CheckKnownFields(object, {kCurrency, kInputCacheHit, kInputCacheMiss, kOutput}));
  PriceTable prices;
  ASSIGN_OR_RETURN(const auto currency, ReadString(object, kCurrency));
  if (!currency || !IsCurrency(*currency)) return InvalidField(kCurrency, "must be three capital letters, such as USD.");
  prices.currency = *currency;
  ASSIGN_OR_RETURN(prices.input_cache_hit, ReadPrice(object, kInputCacheHit));
  ASSIGN_OR_RETURN(prices.input_cache_miss, ReadPrice(object, kInputCacheMiss));
  ASSIGN_OR_RETURN(prices.output, ReadPrice(object, kOutput));
  return prices;
}

absl::StatusOr<PriceTable> ReadPriceTable(const std::string& path) {
  ASSIGN_OR_RETURN(const std::string text, ReadTextFile(path, kMaxFileBytes));
  absl::StatusOr<PriceTable> prices = ParsePriceTable(text);
  if (!prices.ok()) return Located(path, prices.status());
  return prices;
}

}  // namespace baleen
