#include "services/attention/scheduler/attempt_table.h"

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace baleen {
namespace {

TEST(AttemptTableTest, NewerSupersedesOlderIsRefused) {
  AttemptTable table(8);
  ASSERT_EQ(table.Check("a", 2).value(), 0u);
  table.Start("a", 2, 11);
  EXPECT_EQ(table.Check("a", 1).status().code(), absl::StatusCode::kAborted);
  EXPECT_EQ(table.Check("a", 2).status().code(), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(table.Check("a", 3).value(), 11u);
  EXPECT_EQ(table.Check("b", 0).value(), 0u);
}

TEST(AttemptTableTest, EndedAttemptStillFencesOlderOnes) {
  AttemptTable table(8);
  table.Start("a", 5, 1);
  table.End("a", 1);
  EXPECT_EQ(table.Check("a", 4).status().code(), absl::StatusCode::kAborted);
  EXPECT_EQ(table.Check("a", 5).value(), 0u);
}

TEST(AttemptTableTest, EndOfASupersededAttemptLeavesTheLiveOne) {
  AttemptTable table(8);
  table.Start("a", 1, 1);
  table.Start("a", 2, 2);
  table.End("a", 1);
  EXPECT_EQ(table.Check("a", 2).status().code(), absl::StatusCode::kAlreadyExists);
}

TEST(AttemptTableTest, ForgetsOldestEndedNeverLive) {
  AttemptTable table(2);
  table.Start("live", 9, 100);
  for (uint64_t id = 1; id <= 5; ++id) {
    const std::string key = absl::StrCat("k", id);
    table.Start(key, 3, id);
    table.End(key, id);
  }
  EXPECT_TRUE(table.Check("k1", 0).ok());
  EXPECT_FALSE(table.Check("k5", 0).ok());
  EXPECT_FALSE(table.Check("live", 9).ok());
}

}  // namespace
}  // namespace baleen
