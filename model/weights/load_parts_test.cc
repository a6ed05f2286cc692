#include "model/weights/load_parts.h"

#include <atomic>
#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace baleen {
namespace {

constexpr size_t kParts = 50;

TEST(LoadPartsTest, EachPartOnce) {
  for (const int threads : {1, 3}) {
    std::vector<std::atomic<int>> loads(kParts);
    const absl::Status status = LoadParts(nullptr, kParts, threads, [&](size_t part, PartFinisher* finisher) {
      EXPECT_NE(finisher, nullptr);
      ++loads[part];
      return absl::OkStatus();
    });
    EXPECT_TRUE(status.ok()) << status;
    for (const std::atomic<int>& count : loads) EXPECT_EQ(count, 1);
  }
}

// Whichever fails first, the same error is reported, and little is begun after it.
TEST(LoadPartsTest, TheLowestFailureIsReturned) {
  for (const int threads : {1, 2, 4}) {
    for (int round = 0; round < 200; ++round) {
      std::atomic<size_t> begun{0};
      const absl::Status status = LoadParts(nullptr, kParts, threads, [&](size_t part, PartFinisher*) {
        ++begun;
        return part % 7 == 3 ? absl::InternalError(std::to_string(part)) : absl::OkStatus();
      });
      EXPECT_EQ(status, absl::InternalError("3"));
      EXPECT_LT(begun, kParts);
    }
  }
}

TEST(LoadPartsTest, NothingToLoad) {
  EXPECT_TRUE(LoadParts(nullptr, 0, 2, [](size_t, PartFinisher*) { return absl::InternalError("nothing"); }).ok());
  EXPECT_EQ(LoadThreads(0), 1);
  EXPECT_EQ(LoadThreads(1), 1);
  EXPECT_GE(LoadThreads(1000), 1);
}

}  // namespace
}  // namespace baleen
