#include "tests/chaos/crowd/crowd_options.h"

#include <gtest/gtest.h>

#include <functional>
#include <limits>
#include <string>

namespace baleen {
namespace {

CrowdOptions GoodOptions() {
  CrowdOptions options;
  options.host = "127.0.0.1";
  options.port = 8080;
  options.key = "crowd";
  options.patience = absl::Seconds(10);
  options.max_tokens = 96;
  options.rate = 800;
  options.duration = absl::Seconds(300);
  return options;
}

TEST(CrowdOptionsTest, GoodOnes) {
  CrowdOptions options = GoodOptions();
  EXPECT_EQ(CheckCrowdOptions(options), absl::OkStatus());
  options.rate = 0;
  options.streams = 16;
  options.duration = absl::ZeroDuration();
  options.host = "::1";
  EXPECT_EQ(CheckCrowdOptions(options), absl::OkStatus());
}

TEST(CrowdOptionsTest, SaysWhatIsWrong) {
  const struct {
    const char* flag;
    std::function<void(CrowdOptions&)> spoil;
  } cases[] = {
      {"--host", [](CrowdOptions& options) { options.host = "gateway"; }},
      {"--port", [](CrowdOptions& options) { options.port = 0; }},
      {"--port", [](CrowdOptions& options) { options.port = 65536; }},
      {"--key", [](CrowdOptions& options) { options.key = ""; }},
      {"--key", [](CrowdOptions& options) { options.key = "a\r\nHost: b"; }},
      {"--patience", [](CrowdOptions& options) { options.patience = absl::ZeroDuration(); }},
      {"--patience", [](CrowdOptions& options) { options.patience = absl::InfiniteDuration(); }},
      {"--max_tokens", [](CrowdOptions& options) { options.max_tokens = 0; }},
      {"--first_prompt", [](CrowdOptions& options) { options.first_prompt = -1; }},
      {"--duration", [](CrowdOptions& options) { options.duration = absl::Seconds(-1); }},
      {"--duration", [](CrowdOptions& options) { options.duration = absl::InfiniteDuration(); }},
      {"--streams", [](CrowdOptions& options) { options.rate = 0; }},
      {"--streams", [](CrowdOptions& options) { options.streams = 16; }},
      {"--streams",
       [](CrowdOptions& options) {
         options.rate = 0;
         options.streams = -1;
       }},
      {"--rate", [](CrowdOptions& options) { options.rate = -1; }},
      {"--rate", [](CrowdOptions& options) { options.rate = 1e6; }},
      {"--rate", [](CrowdOptions& options) { options.rate = std::numeric_limits<double>::quiet_NaN(); }},
  };
  for (const auto& [flag, spoil] : cases) {
    CrowdOptions options = GoodOptions();
    spoil(options);
    const absl::Status status = CheckCrowdOptions(options);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << flag;
    EXPECT_EQ(status.message().find(std::string(flag) + ": expected "), 0U) << status << " instead of " << flag;
  }
}

}  // namespace
}  // namespace baleen
