#include "services/gateway/tenants/tenant_directory.h"

#include <gtest/gtest.h>
#include <prometheus/registry.h>

#include <set>
#include <string>

#include "absl/strings/match.h"
#include "services/gateway/testing/tenants.h"

namespace baleen {
namespace {

constexpr char kSecret[] = R"("cache_secret":"0101010101010101010101010101010101010101010101010101010101010101")";
constexpr char kOtherSecret[] = R"("cache_secret":"0202020202020202020202020202020202020202020202020202020202020202")";

TEST(TenantDirectoryTest, OpenToAnybodyWithoutAFile) {
  prometheus::Registry registry;
  const auto directory = TenantDirectory::Open({.path = "", .metrics = &registry});
  ASSERT_TRUE(directory.ok());
  EXPECT_FALSE((*directory)->closed());
  const auto nobody = (*directory)->Authenticate("");
  ASSERT_TRUE(nobody.ok());
  EXPECT_EQ(nobody->tenant, kDefaultTenant);
  EXPECT_EQ(nobody->id, "");
  const auto somebody = (*directory)->Authenticate("Bearer a");
  ASSERT_TRUE(somebody.ok());
  EXPECT_NE(somebody->id, "");
  EXPECT_NE(somebody->id, (*directory)->Authenticate("Bearer b")->id);
  EXPECT_FALSE((*directory)->Reload().ok());
}

TEST(TenantDirectoryTest, ClosedToWhoHasNoKey) {
  TenantsFile file({TenantJson("acme", "key-a"), TenantJson("initech", "key-b", R"("priority":2)")});
  const auto directory = file.Open();
  EXPECT_TRUE(directory->closed());
  for (const char* authorization : {"", "Bearer", "Bearer ", "Bearer key-c", "key-a", "Basic key-a", "Bearer key-a key-b"}) {
    EXPECT_EQ(directory->Authenticate(authorization).status().code(), absl::StatusCode::kUnauthenticated) << authorization;
  }
  const auto acme = directory->Authenticate("Bearer key-a");
  ASSERT_TRUE(acme.ok());
  EXPECT_EQ(acme->tenant, "acme");
  EXPECT_EQ(acme->priority, 0);
  EXPECT_EQ(directory->Authenticate("Bearer key-b")->priority, 2);
}

TEST(TenantDirectoryTest, ATenantIsOneCallerUnderAnyOfItsKeys) {
  TenantsFile file({TenantJson("acme", "key-a"), TenantJson("initech", "key-b")}, kSecret);
  const auto directory = file.Open();
  const auto elsewhere = file.Open();
  const Caller acme = *directory->Authenticate("Bearer key-a");
  const Caller initech = *directory->Authenticate("Bearer key-b");
  EXPECT_NE(acme.id, initech.id);
  EXPECT_NE(acme.cache_salt, initech.cache_salt);
  EXPECT_EQ(FairShareOf(acme, "somebody"), acme.id);
  EXPECT_EQ(elsewhere->Authenticate("Bearer key-a")->id, acme.id);
  EXPECT_EQ(elsewhere->Authenticate("Bearer key-a")->cache_salt, acme.cache_salt);
}

TEST(TenantDirectoryTest, TheSaltIsNotTheTenantsToChoose) {
  TenantsFile file({TenantJson("acme", "key-a")}, kSecret);
  const auto directory = file.Open();
  const std::string salt = directory->Authenticate("Bearer key-a")->cache_salt;
  EXPECT_EQ(salt.size(), 32u);
  file.Write({TenantJson("acme", "key-a")}, kOtherSecret);
  ASSERT_TRUE(directory->Reload().ok());
  EXPECT_NE(directory->Authenticate("Bearer key-a")->cache_salt, salt);
  file.Write({TenantJson("acme", "key-a")});
  ASSERT_TRUE(directory->Reload().ok());
  const std::string drawn = directory->Authenticate("Bearer key-a")->cache_salt;
  ASSERT_TRUE(directory->Reload().ok());
  EXPECT_EQ(directory->Authenticate("Bearer key-a")->cache_salt, drawn);
  EXPECT_NE(file.Open()->Authenticate("Bearer key-a")->cache_salt, drawn);
}

TEST(TenantDirectoryTest, KeysComeAndGoWithoutARestart) {
  TenantsFile file({TenantJson("acme", "key-a")});
  const auto directory = file.Open();
  file.Write({TenantJson("acme", "key-b")});
  ASSERT_TRUE(directory->Reload().ok());
  EXPECT_FALSE(directory->Authenticate("Bearer key-a").ok());
  EXPECT_TRUE(directory->Authenticate("Bearer key-b").ok());
}

TEST(TenantDirectoryTest, ABadFileChangesNothing) {
  TenantsFile file({TenantJson("acme", "key-a")});
  const auto directory = file.Open();
  file.WriteText(R"({"tenants":[{"nane":"acme"}]})");
  const absl::Status status = directory->Reload();
  EXPECT_TRUE(absl::StrContains(status.message(), file.path())) << status;
  EXPECT_TRUE(absl::StrContains(status.message(), "'nane'")) << status;
  EXPECT_TRUE(directory->Authenticate("Bearer key-a").ok());
  prometheus::Registry registry;
  EXPECT_FALSE(TenantDirectory::Open({.path = file.path(), .metrics = &registry}).ok());
}

TEST(TenantDirectoryTest, WhatWasUsedOutlivesAReload) {
  TenantsFile file({TenantJson("acme", "key-a", R"("requests_per_min":2)")});
  const auto directory = file.Open();
  EXPECT_TRUE(directory->Authenticate("Bearer key-a")->account->TakeRequest().ok());
  file.Write({TenantJson("acme", "key-b", R"("requests_per_min":1)"), TenantJson("initech", "key-a")});
  ASSERT_TRUE(directory->Reload().ok());
  EXPECT_FALSE(directory->Authenticate("Bearer key-b")->account->TakeRequest().ok());
  EXPECT_TRUE(directory->Authenticate("Bearer key-a")->account->TakeRequest().ok());
}

TEST(CacheSaltTest, ARequestsOwnSaltPartsItFromOthersOfItsCallerToo) {
  const Caller anybody = OpenCaller(""), keyed = OpenCaller("Bearer a");
  EXPECT_EQ(CacheSaltOf(anybody, ""), anybody.cache_salt);
  EXPECT_EQ(CacheSaltOf(keyed, ""), keyed.cache_salt);
  const std::set<std::string> salts = {CacheSaltOf(anybody, ""), CacheSaltOf(anybody, "x"), CacheSaltOf(anybody, "y"),
                                       CacheSaltOf(keyed, ""),   CacheSaltOf(keyed, "x"),   CacheSaltOf(keyed, keyed.cache_salt)};
  EXPECT_EQ(salts.size(), 6u);
  EXPECT_EQ(CacheSaltOf(keyed, "x"), CacheSaltOf(OpenCaller("Bearer a"), "x"));
}

TEST(FairShareTest, AnybodySharesByUser) {
  const Caller anybody = OpenCaller("");
  EXPECT_EQ(FairShareOf(anybody, ""), "");
  EXPECT_NE(FairShareOf(anybody, "a"), FairShareOf(anybody, "b"));
  const Caller keyed = OpenCaller("Bearer a");
  EXPECT_EQ(FairShareOf(keyed, "a"), FairShareOf(keyed, "b"));
}

}  // namespace
}  // namespace baleen
