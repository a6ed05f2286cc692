#include "services/common/log_level_file.h"

#include <gtest/gtest.h>

#include <condition_variable>
#include <fstream>
#include <mutex>
#include <string>

#include "absl/time/clock.h"
#include "services/common/log.h"

namespace baleen {
namespace {

constexpr absl::Duration kPeriod = absl::Milliseconds(2);
constexpr absl::Duration kTimeout = absl::Seconds(20);

class LogLevelFileTest : public testing::Test {
 protected:
  LogLevelFileTest() { SetLogLevel(LogLevel::kInfo); }
  ~LogLevelFileTest() override { SetLogLevel(LogLevel::kInfo); }

  void Write(const std::string& text) const { std::ofstream(path_, std::ios::trunc) << text; }

  static bool Becomes(LogLevel level) {
    const absl::Time deadline = absl::Now() + kTimeout;
    std::mutex mutex;
    std::condition_variable never;
    std::unique_lock lock(mutex);
    while (GetLogLevel() != level && absl::Now() < deadline) never.wait_for(lock, absl::ToChronoMilliseconds(kPeriod));
    return GetLogLevel() == level;
  }

  const std::string path_ = testing::TempDir() + "/log_level_" + testing::UnitTest::GetInstance()->current_test_info()->name();
};

TEST_F(LogLevelFileTest, HoldsFromTheStart) {
  Write("warning\n");
  const LogLevelFile file(path_, kPeriod);
  EXPECT_EQ(GetLogLevel(), LogLevel::kWarning);
}

TEST_F(LogLevelFileTest, ChangesWhileTheProcessRuns) {
  const LogLevelFile file(path_, kPeriod);
  EXPECT_EQ(GetLogLevel(), LogLevel::kInfo);
  Write("debug");
  EXPECT_TRUE(Becomes(LogLevel::kDebug));
  Write("error");
  EXPECT_TRUE(Becomes(LogLevel::kError));
}

TEST_F(LogLevelFileTest, AWrongWordChangesNothing) {
  Write("loud and a great many other words that nobody asked for");
  testing::internal::CaptureStderr();
  {
    const LogLevelFile file(path_, kPeriod);
    EXPECT_EQ(GetLogLevel(), LogLevel::kInfo);
  }
  const std::string log = testing::internal::GetCapturedStderr();
  EXPECT_NE(log.find("log_level_not_changed"), std::string::npos) << log;
  EXPECT_EQ(log.find("loud"), std::string::npos) << log;
}

}  // namespace
}  // namespace baleen
