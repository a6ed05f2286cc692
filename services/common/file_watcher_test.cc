#include "services/common/file_watcher.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdio>
#include <fstream>

namespace baleen {
namespace {

class FileWatcherTest : public testing::Test {
 protected:
  void Write(const std::string& path, const std::string& text) { std::ofstream(path) << text; }

  // Whether there were `calls` within ten seconds.
  bool WaitFor(int calls) {
    std::unique_lock<std::mutex> lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(10), [&] { return calls_ >= calls; });
  }

  void OnChange() {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      ++calls_;
    }
    changed_.notify_all();
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  int calls_ = 0;
  const std::string path_ = testing::TempDir() + "/watched";
};

TEST_F(FileWatcherTest, TellsOfEachChange) {
  Write(path_, "a");
  FileWatcher watcher(path_, absl::Milliseconds(1), [this] { OnChange(); });
  Write(path_, "bc");
  ASSERT_TRUE(WaitFor(1));
  const std::string next = path_ + ".next";
  Write(next, "bd");
  ASSERT_EQ(std::rename(next.c_str(), path_.c_str()), 0);
  EXPECT_TRUE(WaitFor(2));
}

TEST_F(FileWatcherTest, AFileThatIsGoneMayComeBack) {
  Write(path_, "a");
  FileWatcher watcher(path_, absl::Milliseconds(1), [this] { OnChange(); });
  ASSERT_EQ(std::remove(path_.c_str()), 0);
  Write(path_, "b");
  EXPECT_TRUE(WaitFor(1));
}

TEST_F(FileWatcherTest, EndsWithoutAChange) {
  Write(path_, "a");
  {
    FileWatcher watcher(path_, absl::Hours(1), [this] { OnChange(); });
  }
  EXPECT_EQ(calls_, 0);
}

}  // namespace
}  // namespace baleen
