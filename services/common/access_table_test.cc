#include "services/common/access_table.h"

#include <gtest/gtest.h>

namespace baleen {
namespace {

const AccessTable kTable = {{"/t.S/A", {PeerRole::kGateway, PeerRole::kExpert}}, {"/t.S/B", {PeerRole::kPlacement}}};

TEST(AccessTableTest, OnlyWhoIsNamedMayCall) {
  EXPECT_TRUE(CheckAccess(kTable, "/t.S/A", PeerRole::kGateway).ok());
  EXPECT_TRUE(CheckAccess(kTable, "/t.S/A", PeerRole::kExpert).ok());
  EXPECT_EQ(CheckAccess(kTable, "/t.S/A", PeerRole::kPlacement), absl::PermissionDeniedError("role placement may not call /t.S/A"));
  EXPECT_TRUE(CheckAccess(kTable, "/t.S/B", PeerRole::kPlacement).ok());
  EXPECT_TRUE(absl::IsPermissionDenied(CheckAccess(kTable, "/t.S/B", PeerRole::kOperator)));
}

TEST(AccessTableTest, WhatIsNotNamedIsRefused) {
  for (const char* method : {"", "/t.S/C", "/t.S/A/", "/t.S/", "t.S/A", "/grpc.channelz.v1.Channelz/GetServers"}) {
    for (const PeerRole role : kPeerRoles) EXPECT_TRUE(absl::IsPermissionDenied(CheckAccess(kTable, method, role))) << method;
  }
}

TEST(AccessTableTest, WithoutARoleNothingMayBeCalled) {
  EXPECT_TRUE(absl::IsUnauthenticated(CheckAccess(kTable, "/t.S/A", std::nullopt)));
  EXPECT_TRUE(absl::IsUnauthenticated(CheckAccess(kTable, "/grpc.health.v1.Health/Check", std::nullopt)));
}

TEST(AccessTableTest, HealthIsForAllAndReflectionForOperators) {
  const char* const reflection = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo";
  for (const PeerRole role : kPeerRoles) {
    EXPECT_TRUE(CheckAccess({}, "/grpc.health.v1.Health/Check", role).ok());
    EXPECT_EQ(CheckAccess({}, reflection, role).ok(), role == PeerRole::kOperator);
  }
}

}  // namespace
}  // namespace baleen
