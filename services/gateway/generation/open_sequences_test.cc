#include "services/gateway/generation/open_sequences.h"

#include <vector>

#include "gtest/gtest.h"

namespace baleen {
namespace {

using Most = std::map<std::string, int64_t>;

constexpr absl::Time kStart = absl::FromUnixSeconds(1000);

TEST(OpenSequencesTest, CountsWhatIsHeld) {
  OpenSequences open;
  std::vector<std::shared_ptr<const void>> held = {open.Add("a", kStart), open.Add("a", kStart), open.Add("b", kStart)};
  EXPECT_EQ(open.Now("a"), 2);
  EXPECT_EQ(open.Now("b"), 1);
  EXPECT_EQ(open.Now("c"), 0);
  const std::shared_ptr<const void> copy = held[0];
  held.clear();
  EXPECT_EQ(open.Now("a"), 1);
  EXPECT_EQ(open.Now("b"), 0);
}

TEST(OpenSequencesTest, RemembersTheMostForAWhile) {
  OpenSequences open;
  std::shared_ptr<const void> one = open.Add("a", kStart);
  std::shared_ptr<const void> two = open.Add("a", kStart);
  one.reset();
  const absl::Duration little = absl::Milliseconds(1);
  EXPECT_EQ(open.Most(kStart), (Most{{"a", 2}}));
  EXPECT_EQ(open.Most(kStart + OpenSequences::kLookBack), (Most{{"a", 2}}));
  EXPECT_EQ(open.Most(kStart + 2 * OpenSequences::kLookBack - little), (Most{{"a", 2}}));
  EXPECT_EQ(open.Most(kStart + 2 * OpenSequences::kLookBack), (Most{{"a", 1}}));
  EXPECT_EQ(open.Most(kStart + 10 * OpenSequences::kLookBack), (Most{{"a", 1}}));
}

TEST(OpenSequencesTest, ForgetsWorkersThatHaveHadNoneForLong) {
  OpenSequences open;
  open.Add("a", kStart).reset();
  EXPECT_EQ(open.Most(kStart), (Most{{"a", 1}}));
  EXPECT_EQ(open.Most(kStart + 3 * OpenSequences::kLookBack), (Most{{"a", 0}}));
  EXPECT_EQ(open.Most(kStart + 3 * OpenSequences::kLookBack), Most());
}

TEST(OpenSequencesTest, WhatIsHeldMayOutliveTheCount) {
  auto open = std::make_unique<OpenSequences>();
  std::shared_ptr<const void> held = open->Add("a", kStart);
  open.reset();
  held.reset();
  EXPECT_EQ(held.use_count(), 0);
}

}  // namespace
}  // namespace baleen
