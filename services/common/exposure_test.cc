#include "services/common/exposure.h"

#include <gtest/gtest.h>

namespace baleen {
namespace {

TEST(ExposureTest, PlaintextBeyondLoopbackIsRefusedUnlessAllowed) {
  for (const char* bind : {"127.0.0.1", "127.1.2.3", "::1", "localhost"}) {
    EXPECT_TRUE(CheckExposure({.bind = bind, .name = "gRPC"}).ok()) << bind;
  }
  for (const char* bind : {"0.0.0.0", "::", "10.0.0.1", "example.org", "::ffff:10.1.2.3", ""}) {
    EXPECT_TRUE(absl::IsInvalidArgument(CheckExposure({.bind = bind, .name = "gRPC"}))) << bind;
    EXPECT_TRUE(CheckExposure({.bind = bind, .encrypted = true, .name = "gRPC"}).ok()) << bind;
    EXPECT_TRUE(CheckExposure({.bind = bind, .allow_plaintext = true, .name = "gRPC"}).ok()) << bind;
  }
}

TEST(ExposureTest, ARefusalNamesTheFlagThatIsWrong) {
  EXPECT_EQ(CheckExposure({.bind = "0.0.0.0", .name = "gRPC"}).message().substr(0, 15), "--bind=0.0.0.0:");
  const absl::Status admin = CheckExposure({.flag = "--admin_bind", .bind = "::", .name = "admin"});
  EXPECT_EQ(admin.message(),
            "--admin_bind=::: others could reach the admin port without TLS; give it certificates, or --allow_plaintext where the "
            "network is trusted");
}

TEST(ExposureTest, APeerIsReachedInPlaintextOnThisMachineAlone) {
  for (const char* address : {"127.0.0.1:4317", "localhost:4317", "[::1]:4317"}) {
    EXPECT_TRUE(CheckPlaintextPeer("--f", address, "--f_ca", false).ok()) << address;
  }
  for (const char* address : {"10.0.0.1:4317", "guard.example:1", "[fd00::1]:1", "localhost.example:1"}) {
    const absl::Status refused = CheckPlaintextPeer("--f", address, "--f_ca", false);
    EXPECT_TRUE(absl::IsInvalidArgument(refused)) << address;
    EXPECT_NE(refused.message().find("give --f_ca"), absl::string_view::npos);
    EXPECT_TRUE(CheckPlaintextPeer("--f", address, "--f_ca", true).ok()) << address;
  }
}

}  // namespace
}  // namespace baleen
