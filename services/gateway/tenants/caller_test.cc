#include "services/gateway/tenants/caller.h"

#include <gtest/gtest.h>

#include "absl/strings/escaping.h"

namespace baleen {
namespace {

// What these give is equal in gateways of two releases, which serve beside each other while one is rolled out: requests are resumed and
// cached KV is found under it.
TEST(CallerTest, IdsStayWhatTheyAre) {
  EXPECT_EQ(absl::BytesToHexString(OpenCaller("Bearer sk-1").id), "c3e9a1c985d603e4bc23fa721dbcf4cd1de662e3d637ebb3cec39b67977fe334");
  EXPECT_EQ(OpenCaller("").id, "");
  EXPECT_EQ(TenantCaller("acme", 0, "secret").id, "tenant:acme");
  EXPECT_EQ(absl::BytesToHexString(FairShareOf(OpenCaller(""), "ann")), "b7b15a392649eaf59c97b8faa340708235b8b867f5687599db78003ec12ca43d");
  EXPECT_EQ(FairShareOf(OpenCaller(""), ""), "");
  EXPECT_EQ(FairShareOf(TenantCaller("acme", 0, "secret"), "ann"), "tenant:acme");
}

TEST(CallerTest, SaltsStayWhatTheyAre) {
  const Caller tenant = TenantCaller("acme", 0, "secret");
  EXPECT_EQ(absl::BytesToHexString(tenant.cache_salt), "700f8a71077438948e68c52f90421d3f3361b533d746d90668bce4dc8a387812");
  EXPECT_EQ(CacheSaltOf(tenant, ""), tenant.cache_salt);
  EXPECT_EQ(absl::BytesToHexString(CacheSaltOf(tenant, "project")), "b90043573c57a18aa852e0562ef7529bbfaf5ebcfda237e0081830b2024ad2fe");
  const Caller anybody = OpenCaller("");
  EXPECT_EQ(CacheSaltOf(anybody, ""), "");
  EXPECT_EQ(absl::BytesToHexString(CacheSaltOf(anybody, "project")), "a66227f06afa48466812e620ca04bc3ca38a12e12acc98a7e221fabb89b3c26e");
  EXPECT_EQ(OpenCaller("Bearer sk-1").cache_salt, OpenCaller("Bearer sk-1").id);
}

}  // namespace
}  // namespace baleen
