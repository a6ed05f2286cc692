#include "services/gateway/tenants/tenant_file.h"

#include <gtest/gtest.h>

#include <fstream>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace baleen {
namespace {

constexpr char kDigest[] = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

TEST(TenantFileTest, ReadsWhatIsThere) {
  const auto file = ParseTenantFile(absl::StrCat(R"({"cache_secret":")", kDigest, R"(","tenants":[
      {"name":"acme","priority":-3,"requests_per_min":60,"requests_burst":5,"tokens_per_min":1099511627776,"concurrent_streams":1,
       "keys":[{"sha256":")",
                                                 kDigest, R"(","note":"of the website"}]},
      {"name":"Initech_2.eu-west"}]})"));
  ASSERT_TRUE(file.ok()) << file.status();
  EXPECT_EQ(file->cache_secret.size(), 32u);
  ASSERT_EQ(file->tenants.size(), 2u);
  EXPECT_EQ(file->tenants[0].name, "acme");
  EXPECT_EQ(file->tenants[0].priority, -3);
  EXPECT_EQ(file->tenants[0].limits.requests_per_min, 60);
  EXPECT_EQ(file->tenants[0].limits.requests_burst, 5);
  EXPECT_EQ(file->tenants[0].limits.tokens_per_min, int64_t{1} << 40);
  EXPECT_EQ(file->tenants[0].limits.concurrent_streams, 1);
  EXPECT_EQ(file->tenants[1].limits.requests_per_min, 0);
  ASSERT_EQ(file->tenants[0].keys.size(), 1u);
  EXPECT_EQ(file->tenants[0].keys[0].digest, DigestOfKey("abc"));
  EXPECT_EQ(file->tenants[0].keys[0].note, "of the website");
  EXPECT_TRUE(file->tenants[1].keys.empty());
}

TEST(TenantFileTest, NamesTheFieldThatIsWrong) {
  const std::string key = absl::StrCat(R"({"sha256":")", kDigest, R"("})");
  const std::pair<std::string, const char*> cases[] = {
      {"[]", "must be a JSON object"},
      {"{", "not valid JSON"},
      {"{}", "'tenants' is required"},
      {R"({"tenants":{}})", "'tenants' must be a list"},
      {R"({"tenants":[],"tenant":[]})", "'tenant' is not a field"},
      {R"({"tenants":[],"cache_secret":"00"})", "'cache_secret' must be 64 hex digits"},
      {R"({"tenants":[3]})", "tenants[0]: must be an object"},
      {R"({"tenants":[{}]})", "tenants[0]: 'name'"},
      {R"({"tenants":[{"name":"a b"}]})", "tenants[0]: 'name'"},
      {R"({"tenants":[{"name":"a","priority":101}]})", "tenants[0]: 'priority' must be between -100 and 100"},
      {R"({"tenants":[{"name":"a","requets_per_min":1}]})", "tenants[0]: 'requets_per_min' is not a field"},
      {R"({"tenants":[{"name":"a","requests_per_min":0}]})", "tenants[0]: 'requests_per_min' must be between 1 and"},
      {R"({"tenants":[{"name":"a","requests_per_min":5,"requests_burst":6}]})", "tenants[0]: 'requests_burst' may not be more than"},
      {R"({"tenants":[{"name":"a","requests_burst":1}]})", "tenants[0]: 'requests_burst' may not be more than"},
      {R"({"tenants":[{"name":"a","tokens_per_min":9223372036854775807}]})", "tenants[0]: 'tokens_per_min' must be between 1 and"},
      {R"({"tenants":[{"name":"a","concurrent_streams":"many"}]})", "tenants[0]: 'concurrent_streams' must be an integer"},
      {R"({"tenants":[{"name":"a"},{"name":"a"}]})", "tenants[1]: 'name' a is there twice"},
      {R"({"tenants":[{"name":"a","keys":[3]}]})", "tenants[0]: keys[0]: must be an object"},
      {R"({"tenants":[{"name":"a","keys":[{}]}]})", "tenants[0]: keys[0]: 'sha256' is required"},
      {R"({"tenants":[{"name":"a","keys":[{"sha256":"sk-123"}]}]})", "tenants[0]: keys[0]: 'sha256' must be 64 hex digits"},
      {absl::StrCat(R"({"tenants":[{"name":"a","keys":[)", key, R"(]},{"name":"b","keys":[)", key, "]}]}"),
       "tenants[1].keys[0]: 'sha256' is there twice"},
      {absl::StrCat(R"({"tenants":[{"name":"a","keys":[)", key, R"(]}],"admin_keys":[)", key, "]}"),
       "tenants[0].keys[0]: 'sha256' is there twice"},
      {R"({"tenants":[],"tenants":[{"name":"a"}]})", "'tenants' is there twice"},
      {R"({"tenants":[{"name":"b"},{"name":"a","keys":[],"tokens_per_min":5,"tokens_per_min":5000}]})",
       "'tenants[1].tokens_per_min' is there twice"},
      {R"({"tenants":[],"admin_keys":[{"sha256":""}]})", "admin_keys[0]: 'sha256' must be 64 hex digits"},
  };
  for (const auto& [text, message] : cases) {
    const absl::Status status = ParseTenantFile(text).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << text;
    EXPECT_TRUE(absl::StrContains(status.message(), message)) << status.message() << " for " << text;
    EXPECT_FALSE(absl::StrContains(status.message(), "sk-123"));
  }
}

TEST(TenantFileTest, BoundsWhatItHolds) {
  std::string many = R"({"tenants":[)";
  for (size_t i = 0; i <= kMaxTenants; ++i) absl::StrAppend(&many, i == 0 ? "" : ",", R"({"name":"t)", i, R"("})");
  absl::StrAppend(&many, "]}");
  EXPECT_TRUE(absl::StrContains(ParseTenantFile(many).status().message(), "'tenants' may hold at most"));
}

TEST(TenantFileTest, NamesTheFile) {
  const std::string path = testing::TempDir() + "/bad.json";
  std::ofstream(path) << R"({"tenants":3})";
  EXPECT_TRUE(absl::StartsWith(ReadTenantFile(path).status().message(), path + ": 'tenants' must be a list"));
  const absl::Status missing = ReadTenantFile(path + ".not").status();
  EXPECT_EQ(missing.code(), absl::StatusCode::kNotFound);
  EXPECT_TRUE(absl::StrContains(missing.message(), path + ".not"));
}

}  // namespace
}  // namespace baleen
