#include "services/common/timers.h"

#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <future>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "absl/synchronization/notification.h"

namespace baleen {
namespace {

// Fires when a test says so.
class HandTimers final : public Timers {
 public:
  void After(absl::Duration, std::function<void()> work) override { waiting_.push_back(std::move(work)); }
  void Fire() {
    for (const auto& work : std::exchange(waiting_, {})) work();
  }

 private:
  std::vector<std::function<void()>> waiting_;
};

TEST(StoppableTimersTest, WorkIsDoneOnceAfterItsTime) {
  StoppableTimers timers;
  std::promise<void> done;
  timers.After(absl::Milliseconds(1), [&] { done.set_value(); });
  done.get_future().wait();
}

TEST(StoppableTimersTest, WhatIsNotDueIsDroppedWithWhatItOwns) {
  HandTimers inner;
  StoppableTimers timers(&inner);
  auto owned = std::make_shared<int>(0);
  const std::weak_ptr<int> left = owned;
  timers.After(absl::ZeroDuration(), [owned = std::move(owned)] { FAIL() << "a dropped timer fired"; });
  timers.Stop();
  EXPECT_TRUE(left.expired());
  timers.After(absl::ZeroDuration(), [] { FAIL() << "a stopped timer fired"; });
  inner.Fire();
}

TEST(StoppableTimersTest, StopWaitsForWhatRuns) {
  HandTimers inner;
  StoppableTimers timers(&inner);
  absl::Notification begun, go;
  std::atomic<bool> ended = false;
  timers.After(absl::ZeroDuration(), [&] {
    begun.Notify();
    go.WaitForNotification();
    timers.After(absl::ZeroDuration(), [] { FAIL() << "a stopped timer fired"; });
    ended = true;
  });
  std::thread firing([&] { inner.Fire(); });
  begun.WaitForNotification();
  std::thread stopping([&] {
    timers.Stop();
    EXPECT_TRUE(ended);
  });
  go.Notify();
  stopping.join();
  firing.join();
  inner.Fire();
}

}  // namespace
}  // namespace baleen
