#include "services/common/log.h"

#include <gtest/gtest.h>

namespace baleen {
namespace {

TEST(LogTest, OneJsonObjectALine) {
  const std::string line = FormatLogLine(LogLevel::kWarning, "expert", "late_row", {{"layer", "3"}}, absl::FromUnixMillis(1500));
  EXPECT_EQ(line,
            "{\"time\": \"1970-01-01T00:00:01.500Z\", \"level\": \"warning\", \"role\": \"expert\", \"event\": \"late_row\", "
            "\"layer\": \"3\"}\n");
}

TEST(LogTest, EscapesWhatWouldBreakTheLine) {
  const std::string line = FormatLogLine(LogLevel::kInfo, "r", "e", {{"path", "a\"b\\c\nd"}}, absl::UnixEpoch());
  EXPECT_NE(line.find(R"("path": "a\"b\\c\u000ad"})"), std::string::npos) << line;
  EXPECT_EQ(line.find('\n'), line.size() - 1);
}

TEST(LogTest, LevelsHaveNames) {
  EXPECT_EQ(ParseLogLevel("debug"), LogLevel::kDebug);
  EXPECT_EQ(ParseLogLevel("error"), LogLevel::kError);
  for (const char* wrong : {"", "Info", "warn", "unknown", "info "}) EXPECT_FALSE(ParseLogLevel(wrong).has_value()) << wrong;
}

}  // namespace
}  // namespace baleen
