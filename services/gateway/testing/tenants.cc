#include "services/gateway/testing/tenants.h"

#include <gtest/gtest.h>

#include <fstream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "services/gateway/tenants/api_key.h"

namespace baleen {

std::string TenantJson(const std::string& name, const std::string& key, const std::string& more) {
  return absl::StrCat(R"({"name":")", name, R"(","keys":[{"sha256":")", KeyDigestToHex(DigestOfKey(key)), R"("}])", more.empty() ? "" : ",",
                      more, "}");
}

TenantsFile::TenantsFile(const std::vector<std::string>& tenants, const std::string& more) : path_(testing::TempDir() + "/tenants.json") {
  Write(tenants, more);
}

void TenantsFile::Write(const std::vector<std::string>& tenants, const std::string& more) {
  WriteText(absl::StrCat(R"({"tenants":[)", absl::StrJoin(tenants, ","), "]", more.empty() ? "" : ",", more, "}"));
}

void TenantsFile::WriteText(const std::string& text) { std::ofstream(path_) << text; }

std::unique_ptr<TenantDirectory> TenantsFile::Open(Clock* clock) {
  TenantDirectoryOptions options;
  options.path = path_;
  options.prices = PriceTable{"USD", 0.14, 0.55, 2.19};
  options.clock = clock;
  options.metrics = &registry_;
  absl::StatusOr<std::unique_ptr<TenantDirectory>> directory = TenantDirectory::Open(std::move(options));
  EXPECT_TRUE(directory.ok()) << directory.status();
  return directory.ok() ? *std::move(directory) : nullptr;
}

}  // namespace baleen
