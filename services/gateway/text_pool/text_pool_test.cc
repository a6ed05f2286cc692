#include "services/gateway/text_pool/text_pool.h"

#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <thread>

#include "absl/strings/match.h"
#include "absl/synchronization/notification.h"

namespace baleen {
namespace {

constexpr TextPoolLimits kLimits{.threads = 1, .inline_bytes = 10, .waiting_bytes = 100, .caller_bytes = 60};

// Occupies the pool's one thread until it is let go.
class Occupied {
 public:
  Occupied(TextPool& pool, const std::string& caller, size_t bytes) {
    status = pool.Run(caller, bytes, [shared = shared_] {
      shared->begun.Notify();
      shared->go.WaitForNotification();
    });
    shared_->begun.WaitForNotification();
  }
  void LetGo() { shared_->go.Notify(); }
  absl::Status status;

 private:
  // The thread may look at it when this object is gone.
  struct Shared {
    absl::Notification begun;
    absl::Notification go;
  };
  const std::shared_ptr<Shared> shared_ = std::make_shared<Shared>();
};

TEST(TextPoolTest, ShortTextsStayOnTheirThreadAndLongOnesDoNot) {
  TextPool pool(kLimits);
  std::promise<std::thread::id> where;
  ASSERT_TRUE(pool.Run("a", 10, [&] { where.set_value(std::this_thread::get_id()); }).ok());
  EXPECT_EQ(where.get_future().get(), std::this_thread::get_id());
  where = {};
  ASSERT_TRUE(pool.Run("a", 11, [&] { where.set_value(std::this_thread::get_id()); }).ok());
  EXPECT_NE(where.get_future().get(), std::this_thread::get_id());
}

TEST(TextPoolTest, AShortTextDoesNotWaitForLongOnes) {
  TextPool pool(kLimits);
  Occupied occupied(pool, "a", 50);
  bool ran = false;
  EXPECT_TRUE(pool.Run("a", 5, [&] { ran = true; }).ok());
  EXPECT_TRUE(ran);
  occupied.LetGo();
}

TEST(TextPoolTest, RefusesWhatWouldWaitTooLong) {
  TextPool pool(kLimits);
  Occupied occupied(pool, "a", 50);
  const auto never = [] { FAIL() << "a refused text was worked on"; };
  EXPECT_TRUE(absl::IsResourceExhausted(pool.Run("a", 11, never)));
  std::promise<void> done;
  EXPECT_TRUE(pool.Run("b", 50, [&] { done.set_value(); }).ok());
  EXPECT_TRUE(absl::IsUnavailable(pool.Run("c", 11, never)));
  EXPECT_TRUE(absl::IsUnavailable(pool.Run("", 11, never)));
  occupied.LetGo();
  done.get_future().wait();
}

TEST(TextPoolTest, OneTextOfAnySizeIsLetIn) {
  TextPool pool(kLimits);
  std::promise<void> done;
  ASSERT_TRUE(pool.Run("a", 1000, [&] { done.set_value(); }).ok());
  done.get_future().wait();
}

TEST(TextPoolTest, AfterStopNothingRuns) {
  TextPool pool(kLimits);
  Occupied occupied(pool, "a", 50);
  bool ran = false;
  ASSERT_TRUE(pool.Run("b", 20, [&] { ran = true; }).ok());
  // A full pool is UNAVAILABLE, too.
  std::thread stopper([&] { pool.Stop(); });
  while (!absl::StrContains(pool.Run("c", 11, [] {}).message(), "stopping")) std::this_thread::yield();
  occupied.LetGo();
  stopper.join();
  EXPECT_FALSE(ran);
}

}  // namespace
}  // namespace baleen
