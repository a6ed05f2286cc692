#include "services/common/peer_role.h"

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"

namespace baleen {
namespace {

TEST(PeerRoleTest, EachRoleHasItsUri) {
  for (const PeerRole role : kPeerRoles) EXPECT_EQ(RoleOfSpiffeId(absl::StrCat("spiffe://baleen/", NameOf(role), "/a-0")), role);
}

TEST(PeerRoleTest, NothingElseIsARole) {
  for (const char* uri : {"", "gateway", "spiffe://baleen", "spiffe://baleen/", "spiffe://baleen/gateway", "spiffe://baleen/gateway/",
                          "spiffe://baleen//a", "spiffe://baleen/king/a", "spiffe://baleen/gateway/a/b", "spiffe://other/gateway/a",
                          "https://baleen/gateway/a", "spiffe://baleen/Gateway/a", "spiffe://baleen/gateway2/a"}) {
    EXPECT_EQ(RoleOfSpiffeId(uri), std::nullopt) << uri;
  }
}

}  // namespace
}  // namespace baleen
