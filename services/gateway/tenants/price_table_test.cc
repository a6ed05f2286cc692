#include "services/gateway/tenants/price_table.h"

#include <gtest/gtest.h>

#include "absl/strings/match.h"

namespace baleen {
namespace {

TEST(PriceTableTest, TheExampleIsReadAndPriced) {
  const auto prices = ReadPriceTable("deploy/prices/deepseek-r1.json");
  ASSERT_TRUE(prices.ok()) << prices.status();
  EXPECT_EQ(prices->currency, "USD");
  EXPECT_DOUBLE_EQ(prices->CostOf({.input_cache_hit = 1000000}), 0.14);
  EXPECT_DOUBLE_EQ(prices->CostOf({.input_cache_miss = 1000000}), 0.55);
  EXPECT_DOUBLE_EQ(prices->CostOf({.output = 1000000}), 2.19);
  EXPECT_DOUBLE_EQ(prices->CostOf({.input_cache_hit = 64, .input_cache_miss = 36, .output = 100}), (64 * 0.14 + 36 * 0.55 + 219) / 1e6);
}

TEST(PriceTableTest, NamesTheFieldThatIsWrong) {
  constexpr char kRest[] = R"("input_cache_hit_per_million":0,"input_cache_miss_per_million":0,"output_per_million":0})";
  const std::pair<std::string, const char*> cases[] = {
      {std::string("{") + kRest, "'currency'"},
      {std::string(R"({"currency":"usd",)") + kRest, "'currency'"},
      {std::string(R"({"currency":"USD","output":1,)") + kRest, "'output' is not a field"},
      {R"({"currency":"USD"})", "'input_cache_hit_per_million' is required"},
      {R"({"currency":"USD","input_cache_hit_per_million":-1})", "'input_cache_hit_per_million' must be between"},
      {R"({"currency":"USD","input_cache_hit_per_million":1e300})", "'input_cache_hit_per_million' must be between"},
  };
  for (const auto& [text, message] : cases) {
    EXPECT_TRUE(absl::StrContains(ParsePriceTable(text).status().message(), message)) << text << ParsePriceTable(text).status();
  }
  EXPECT_TRUE(absl::StrContains(ReadPriceTable("deploy/prices/none.json").status().message(), "deploy/prices/none.json"));
}

}  // namespace
}  // namespace baleen
