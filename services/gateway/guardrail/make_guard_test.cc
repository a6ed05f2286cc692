#include "services/gateway/guardrail/make_guard.h"

#include <gtest/gtest.h>
#include <prometheus/registry.h>

namespace baleen {
namespace {

std::string ErrorOf(const GuardrailOptions& options) {
  prometheus::Registry registry;
  return std::string(MakeGuard(options, registry).status().message());
}

TEST(MakeGuardTest, OffIsNone) {
  prometheus::Registry registry;
  const auto guard = MakeGuard({}, registry);
  ASSERT_TRUE(guard.ok()) << guard.status();
  EXPECT_EQ(*guard, nullptr);
  EXPECT_TRUE(registry.Collect().empty());
}

TEST(MakeGuardTest, BuiltinAndAddressesAreGuards) {
  for (const char* name : {"builtin", "guard.example:9000", "127.0.0.1:1"}) {
    GuardrailOptions options;
    options.guardrail = name;
    options.allow_plaintext = true;
    prometheus::Registry registry;
    const auto guard = MakeGuard(options, registry);
    ASSERT_TRUE(guard.ok()) << guard.status();
    EXPECT_NE(*guard, nullptr);
  }
}

TEST(MakeGuardTest, NoTextGoesBeyondThisMachineWithoutTlsUnlessAllowed) {
  GuardrailOptions options;
  options.guardrail = "127.0.0.1:9000";
  EXPECT_EQ(ErrorOf(options), "");
  options.guardrail = "guard.example:9000";
  EXPECT_EQ(ErrorOf(options),
            "--guardrail=guard.example:9000: would be reached without TLS; give --guardrail_ca, or --allow_plaintext where the network is "
            "trusted");
  options.ca = "/nowhere";
  EXPECT_EQ(ErrorOf(options), "/nowhere: cannot be read");
}

TEST(MakeGuardTest, SaysWhichFlagIsWrong) {
  GuardrailOptions options;
  options.guardrail = "on";
  EXPECT_NE(ErrorOf(options).find("--guardrail=on"), std::string::npos);
  options.guardrail = "builtin";
  options.failure = "maybe";
  EXPECT_NE(ErrorOf(options).find("--guardrail_failure=maybe"), std::string::npos);
  options.failure = "open";
  options.timeout = absl::ZeroDuration();
  EXPECT_NE(ErrorOf(options).find("--guardrail_timeout"), std::string::npos);
  options.timeout = absl::Seconds(1);
  options.policy_path = "no/such/file.json";
  EXPECT_NE(ErrorOf(options).find("no/such/file.json"), std::string::npos);
  options.ca = "ca.crt";
  EXPECT_NE(ErrorOf(options).find("--guardrail_ca needs"), std::string::npos);
  options.ca = "";
  options.guardrail = "off";
  EXPECT_NE(ErrorOf(options).find("--guardrail_policy"), std::string::npos);
}

}  // namespace
}  // namespace baleen
