#include "services/expert/load_loop.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "absl/synchronization/blocking_counter.h"
#include "absl/synchronization/notification.h"

namespace baleen {
namespace {

using Ranges = std::vector<v1::ExpertRange>;

constexpr absl::Duration kNever = absl::Hours(1000);

Ranges OfLayer(uint32_t layer) {
  Ranges ranges(1);
  ranges[0].set_layer(layer);
  return ranges;
}

LoadLoopOptions Options(std::function<absl::Status(const Ranges&)> load, absl::Duration first_pause) {
  LoadLoopOptions options;
  options.load = std::move(load);
  options.on_tried = [] {};
  options.first_pause = first_pause;
  options.max_pause = 4 * first_pause;
  return options;
}

TEST(LoadLoopTest, TriesAgainUntilItIsLoadedAndTellsOfEachTry) {
  constexpr int kFailures = 40;  // Pauses without a bound would not end.
  int tries = 0;
  absl::BlockingCounter told(kFailures + 1);
  LoadLoopOptions options = Options(
      [&](const Ranges& ranges) {
        EXPECT_EQ(ranges[0].layer(), 7u);
        return ++tries <= kFailures ? absl::ResourceExhaustedError("no room now") : absl::OkStatus();
      },
      absl::Microseconds(100));
  options.on_tried = [&] { told.DecrementCount(); };
  LoadLoop loop(std::move(options));
  loop.Assign(OfLayer(7));
  told.Wait();
  loop.Stop();
  EXPECT_EQ(tries, kFailures + 1);
}

TEST(LoadLoopTest, ANewerAssignmentDoesNotWaitForTheNextTry) {
  absl::Notification failed;
  absl::Notification loaded;
  LoadLoop loop(Options(
      [&](const Ranges& ranges) {
        if (ranges[0].layer() == 2) {
          loaded.Notify();
          return absl::OkStatus();
        }
        failed.Notify();
        return absl::NotFoundError("no such tensor");
      },
      kNever));
  loop.Assign(OfLayer(1));
  failed.WaitForNotification();
  loop.Assign(OfLayer(2));
  loaded.WaitForNotification();
}

TEST(LoadLoopTest, OnlyTheNewestOfThoseThatWaitIsLoaded) {
  absl::Notification begun;
  absl::Notification may_end;
  absl::BlockingCounter told(2);
  std::vector<uint32_t> layers;
  LoadLoopOptions options = Options(
      [&](const Ranges& ranges) {
        layers.push_back(ranges[0].layer());
        if (layers.size() == 1) {
          begun.Notify();
          may_end.WaitForNotification();
        }
        return absl::OkStatus();
      },
      kNever);
  options.on_tried = [&] { told.DecrementCount(); };
  LoadLoop loop(std::move(options));
  loop.Assign(OfLayer(1));
  begun.WaitForNotification();
  loop.Assign(OfLayer(2));
  loop.Assign(OfLayer(3));
  may_end.Notify();
  told.Wait();
  loop.Stop();
  EXPECT_EQ(layers, (std::vector<uint32_t>{1, 3}));
}

TEST(LoadLoopTest, StopsDuringAPause) {
  absl::Notification failed;
  auto loop = std::make_unique<LoadLoop>(Options(
      [&](const Ranges&) {
        failed.Notify();
        return absl::InternalError("broken");
      },
      kNever));
  loop->Assign(OfLayer(1));
  failed.WaitForNotification();
  loop.reset();
}

}  // namespace
}  // namespace baleen
