#include "services/attention/decode/resume_table.h"

#include <gtest/gtest.h>

#include <random>

#include "absl/strings/str_cat.h"

namespace baleen {
namespace {

class FakeClock final : public Clock {
 public:
  absl::Time Now() override { return now; }
  void Sleep(absl::Duration duration) override { now += duration; }
  absl::Time now = absl::FromUnixSeconds(1000);
};

SequenceRequest Request(const std::string& id, uint32_t attempt, std::vector<int32_t> generated = {}, uint32_t choice = 0) {
  SequenceRequest request;
  request.request_id = id;
  request.attempt = attempt;
  request.tokens = {1, 2, 3};
  request.prompt_tokens = 3;
  request.tokens.insert(request.tokens.end(), generated.begin(), generated.end());
  request.sampler.choice = choice;
  request.stop.max_tokens = 100;
  return request;
}

class ResumeTableTest : public testing::Test {
 protected:
  FakeClock clock_;
  ResumeTable table_{ResumeTableOptions(), &clock_};
};

TEST_F(ResumeTableTest, RecallsARunningRequestWithAllItsTokens) {
  const auto entry = table_.Open(Request("r", 2, {7, 8}), "owner", "edge");
  entry->Started(5);
  entry->AddToken(9);
  const auto found = table_.Recall("owner", "r");
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].attempt, 2u);
  EXPECT_EQ(found[0].edge, "edge");
  EXPECT_EQ(found[0].generated, (std::vector<int32_t>{7, 8, 9}));
  EXPECT_EQ(found[0].running, SequenceId{5});
  EXPECT_TRUE(table_.Recall("owner", "q").empty());
}

TEST_F(ResumeTableTest, TheWindowBeginsWithTheEndAndIsKept) {
  const auto entry = table_.Open(Request("r", 1), "owner", "edge");
  clock_.now += absl::Hours(1);
  EXPECT_EQ(table_.Recall("owner", "r").size(), 1u);
  entry->Keep();
  EXPECT_FALSE(table_.Recall("owner", "r")[0].running.has_value());
  clock_.now += ResumeTableOptions().window - absl::Milliseconds(1);
  EXPECT_EQ(table_.Recall("owner", "r").size(), 1u);
  clock_.now += absl::Milliseconds(1);
  table_.Sweep();
  EXPECT_EQ(table_.bytes(), 0u);
  EXPECT_TRUE(table_.Recall("owner", "r").empty());
}

TEST_F(ResumeTableTest, ACancelForgetsAtOnce) {
  const auto entry = table_.Open(Request("r", 1), "owner", "edge");
  entry->Drop();
  EXPECT_TRUE(table_.Recall("owner", "r").empty());
  entry->Keep();
  entry->AddToken(1);
  EXPECT_EQ(table_.bytes(), 0u);
}

TEST_F(ResumeTableTest, ANewerAttemptReplacesTheOlder) {
  const auto older = table_.Open(Request("r", 1), "owner", "edge");
  const auto newer = table_.Open(Request("r", 2), "owner", "edge");
  newer->AddToken(4);
  older->AddToken(3);
  older->Drop();
  const auto found = table_.Recall("owner", "r");
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].attempt, 2u);
  EXPECT_EQ(found[0].generated, std::vector<int32_t>{4});
}

TEST_F(ResumeTableTest, ALateOlderAttemptChangesNothing) {
  const auto newer = table_.Open(Request("r", 2, {5}), "owner", "edge");
  const auto late = table_.Open(Request("r", 1), "owner", "edge");
  const auto twin = table_.Open(Request("r", 2), "owner", "edge");
  late->Drop();
  twin->Drop();
  ASSERT_EQ(table_.Recall("owner", "r").size(), 1u);
  EXPECT_EQ(table_.Recall("owner", "r")[0].generated, std::vector<int32_t>{5});
}

TEST_F(ResumeTableTest, ChoicesStandSideBySide) {
  const auto second = table_.Open(Request("r", 1, {}, 1), "owner", "edge");
  const auto first = table_.Open(Request("r", 1, {}, 0), "owner", "edge");
  const auto found = table_.Recall("owner", "r");
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].choice, 0u);
  EXPECT_EQ(found[1].choice, 1u);
}

TEST_F(ResumeTableTest, EqualIdsOfTwoOwnersAreTwoRequests) {
  const auto mine = table_.Open(Request("r", 1, {7}), "owner", "edge");
  const auto theirs = table_.Open(Request("r", 2, {8}), "other", "edge");
  EXPECT_EQ(table_.Recall("owner", "r")[0].generated, std::vector<int32_t>{7});
  EXPECT_EQ(table_.Recall("other", "r")[0].generated, std::vector<int32_t>{8});
  EXPECT_TRUE(table_.Recall("", "r").empty());
  theirs->Drop();
  EXPECT_EQ(table_.Recall("owner", "r").size(), 1u);
}

TEST_F(ResumeTableTest, BytesAreBoundedAndAccountedForUnderAnyOrder) {
  for (uint32_t seed = 0; seed < 1000; ++seed) {
    std::mt19937 random(seed);
    ResumeTable table({absl::Seconds(2), 4000}, &clock_);
    std::vector<std::shared_ptr<ResumeTable::Entry>> entries;
    for (int i = 0; i < 80; ++i) {
      switch (random() % 5) {
        case 0:
          entries.push_back(table.Open(Request(absl::StrCat("r", random() % 6), random() % 4), absl::StrCat("o", random() % 2),
                                       std::string(random() % 900, 'e')));
          break;
        case 1:
          if (!entries.empty()) entries[random() % entries.size()]->Keep();
          break;
        case 2:
          if (!entries.empty()) entries[random() % entries.size()]->Drop();
          break;
        case 3:
          if (!entries.empty()) entries[random() % entries.size()]->AddToken(1);
          break;
        default:
          clock_.now += absl::Milliseconds(random() % 900);
      }
      ASSERT_LE(table.bytes(), 4000u) << "seed " << seed;
    }
    for (const auto& entry : entries) entry->Keep();
    clock_.now += absl::Seconds(3);
    table.Sweep();
    ASSERT_EQ(table.bytes(), 0u) << "seed " << seed;
  }
}

}  // namespace
}  // namespace baleen
