#include "transport/ucx/ucx_options.h"

#include <gtest/gtest.h>

#include <map>

namespace baleen {
namespace {

std::map<std::string, std::string> ConfigOf(const std::string& devices) {
  const auto config = UcxConfigOf({.devices = devices});
  EXPECT_TRUE(config.ok()) << config.status();
  return {config->begin(), config->end()};
}

TEST(UcxOptionsTest, BindsToWhatIsNamed) {
  EXPECT_EQ(ConfigOf("sm,lo")["TLS"], "posix,tcp");
  EXPECT_EQ(ConfigOf("sm,lo")["NET_DEVICES"], "lo");
  EXPECT_EQ(ConfigOf("sm")["TLS"], "posix");
  EXPECT_EQ(ConfigOf("eth0,eth1")["TLS"], "tcp");
  EXPECT_EQ(ConfigOf("eth0,eth1")["NET_DEVICES"], "eth0,eth1");
  EXPECT_EQ(ConfigOf("sm,mlx5_0:1")["TLS"], "posix,tcp,rc,ud");
}

TEST(UcxOptionsTest, NoRendezvous) { EXPECT_EQ(ConfigOf("sm,lo")["RNDV_THRESH"], "inf"); }

TEST(UcxOptionsTest, RefusesWhatIsNoName) {
  for (const char* devices : {"", ",", "sm,", "lo eth0", "lo;rm", "all=y"}) {
    EXPECT_EQ(UcxConfigOf({.devices = devices}).status().code(), absl::StatusCode::kInvalidArgument) << devices;
  }
}

}  // namespace
}  // namespace baleen
