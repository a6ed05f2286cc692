#include "services/gateway/admission/admission_queue.h"

#include <gtest/gtest.h>

#include <random>
#include <set>

#include "absl/strings/str_cat.h"

namespace baleen {
namespace {

const absl::Time kStart = absl::FromUnixSeconds(1000);

AdmissionLimits Limits() {
  AdmissionLimits limits;
  limits.running_tokens = 100;
  limits.waiting_requests = 8;
  limits.waiting_tokens = 400;
  return limits;
}

class AdmissionQueueTest : public testing::Test {
 protected:
  uint64_t Submit(const std::string& tenant, int64_t tokens, absl::Time now = kStart, absl::Time deadline = absl::InfiniteFuture()) {
    queue_.Submit(++last_, {tenant, tokens, deadline, false}, now);
    return last_;
  }
  // The ids that may run; the refused go to refused_.
  std::vector<uint64_t> Runs(absl::Time now = kStart) {
    std::vector<uint64_t> runs;
    for (const AdmissionDecision& decision : queue_.Decide(now)) {
      if (decision.status.ok()) runs.push_back(decision.id);
      if (!decision.status.ok()) refused_[decision.id] = decision.status;
    }
    return runs;
  }

  AdmissionQueue queue_{Limits()};
  uint64_t last_ = 0;
  std::map<uint64_t, absl::Status> refused_;
};

TEST_F(AdmissionQueueTest, RunsWhatFitsAndTheRestInOrder) {
  for (int i = 0; i < 5; ++i) Submit("t", 40);
  EXPECT_EQ(Runs(), (std::vector<uint64_t>{1, 2}));
  queue_.Leave(1, kStart);
  EXPECT_EQ(Runs(), std::vector<uint64_t>{3});
  queue_.Leave(4, kStart);
  queue_.Leave(2, kStart);
  EXPECT_EQ(Runs(), std::vector<uint64_t>{5});
  EXPECT_EQ(queue_.running_tokens(), 80);
  EXPECT_EQ(queue_.waiting(), 0);
}

TEST_F(AdmissionQueueTest, WhatExceedsTheCapacityRunsAlone) {
  Submit("t", 1000);
  EXPECT_EQ(Runs(), std::vector<uint64_t>{1});
  Submit("t", 1);
  EXPECT_TRUE(Runs().empty());
}

TEST_F(AdmissionQueueTest, DeadlinesAndPatienceEndWaiting) {
  Submit("t", 100);
  EXPECT_EQ(Runs().size(), 1u);
  Submit("t", 10, kStart, kStart + absl::Seconds(2));
  Submit("t", 10);
  EXPECT_EQ(queue_.NextEvent(), kStart + absl::Seconds(2));
  EXPECT_TRUE(Runs(kStart + absl::Seconds(2)).empty());
  EXPECT_EQ(refused_.at(2).code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_TRUE(Runs(kStart + AdmissionLimits().max_wait).empty());
  EXPECT_EQ(refused_.at(3).code(), absl::StatusCode::kUnavailable);
}

TEST_F(AdmissionQueueTest, AFloodDropsItsOwnAndNobodyElses) {
  Submit("calm", 60);
  EXPECT_EQ(Runs().size(), 1u);
  Submit("calm", 60);
  for (int i = 0; i < 50; ++i) Submit("flood", 60);
  EXPECT_TRUE(Runs().empty());
  EXPECT_EQ(refused_.count(2), 0u);
  EXPECT_GE(refused_.size(), 43u);
  for (const auto& [id, status] : refused_) EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_LE(queue_.waiting(), 8);
}

TEST_F(AdmissionQueueTest, ATenantLeavesRoomForTheOthers) {
  Submit("other", 10);
  EXPECT_EQ(Runs().size(), 1u);
  queue_.Leave(1, kStart);
  for (int i = 0; i < 5; ++i) Submit("flood", 20);
  EXPECT_EQ(Runs().size(), 3u);
  Submit("other", 20);
  EXPECT_EQ(Runs().size(), 1u);
  const absl::Time later = kStart + absl::Minutes(5);
  queue_.Leave(last_, kStart);
  Submit("flood", 1, later);
  EXPECT_EQ(Runs(later - absl::Minutes(5)).size(), 2u);
}

TEST_F(AdmissionQueueTest, ResumedRequestsDoNotWait) {
  Submit("t", 100);
  EXPECT_EQ(Runs().size(), 1u);
  queue_.Submit(++last_, {"t", 50, absl::InfiniteFuture(), true}, kStart);
  EXPECT_EQ(queue_.NextEvent(), absl::InfinitePast());
  EXPECT_EQ(Runs(), std::vector<uint64_t>{2});
  EXPECT_EQ(queue_.running_tokens(), 150);
}

TEST_F(AdmissionQueueTest, RetryAfterFollowsTheSpeedOfLate) {
  EXPECT_EQ(queue_.RetryAfter(), absl::Seconds(1));
  absl::Time now = kStart;
  for (int i = 0; i < 100; ++i) {
    const uint64_t id = Submit("t", 20, now);
    Runs(now);
    now += absl::Seconds(1);
    queue_.Leave(id, now);
  }
  for (int i = 0; i < 10; ++i) Submit("t", 50, now);
  Runs(now);
  const double expected = static_cast<double>(queue_.waiting_tokens()) / 20;
  EXPECT_NEAR(absl::ToDoubleSeconds(queue_.RetryAfter()), expected, 3);
}

// Tenants come, wait, run, leave at random: bounds hold, everybody is decided about once, and nothing is left.
TEST(AdmissionQueueSimulationTest, BoundsHoldAndNobodyIsForgotten) {
  for (uint32_t seed = 0; seed < 1500; ++seed) {
    SCOPED_TRACE(absl::StrCat("seed ", seed));
    std::mt19937 random(seed);
    AdmissionQueue queue(Limits());
    absl::Time now = kStart;
    uint64_t last = 0;
    std::map<uint64_t, int64_t> open;  // Waiting: its tokens; running: 0.
    const auto decide = [&] {
      for (const AdmissionDecision& decision : queue.Decide(now)) {
        ASSERT_EQ(open.count(decision.id), 1u);
        ASSERT_GT(open[decision.id], 0);
        if (decision.status.ok()) open[decision.id] = 0;
        if (!decision.status.ok()) open.erase(decision.id);
      }
      ASSERT_LE(queue.waiting(), 8);
      ASSERT_LE(queue.waiting_tokens(), 400);
      ASSERT_TRUE(queue.running_tokens() <= 100 || queue.running() == 1);
    };
    for (int i = 0; i < 150; ++i) {
      now += absl::Milliseconds(random() % 2000);
      if (random() % 3 != 0) {
        const int64_t tokens = 1 + random() % 120;
        open[++last] = tokens;
        queue.Submit(last, {absl::StrCat("t", random() % 4), tokens, now + absl::Milliseconds(random() % 60000), false}, now);
      } else if (!open.empty()) {
        const auto it = std::next(open.begin(), random() % open.size());
        queue.Leave(it->first, now);
        open.erase(it);
      }
      decide();
      if (testing::Test::HasFailure()) return;
    }
    for (int i = 0; i < 300 && !open.empty(); ++i) {
      const auto running = std::find_if(open.begin(), open.end(), [](const auto& entry) { return entry.second == 0; });
      ASSERT_NE(running, open.end()) << "somebody waits and nobody runs";
      queue.Leave(running->first, now);
      open.erase(running);
      decide();
    }
    EXPECT_EQ(queue.running_tokens() + queue.waiting_tokens() + queue.waiting() + queue.running(), 0);
  }
}

// Two tenants that always have requests waiting, one of them with ten times as many, run equal amounts of tokens.
TEST(AdmissionQueueSimulationTest, BackloggedTenantsRunEqualTokens) {
  for (uint32_t seed = 0; seed < 30; ++seed) {
    std::mt19937 random(seed);
    AdmissionLimits limits = Limits();
    limits.waiting_requests = 40;
    limits.waiting_tokens = 4000;
    AdmissionQueue queue(limits);
    absl::Time now = kStart;
    uint64_t last = 0;
    std::map<uint64_t, std::pair<std::string, int64_t>> submitted;
    std::set<uint64_t> running;
    std::map<std::string, int64_t> ran;
    for (int i = 0; i < 1000; ++i) {
      now += absl::Milliseconds(100);
      for (int k = 0; k < 11; ++k) {
        const std::string tenant = k == 0 ? "calm" : "flood";
        const int64_t tokens = 5 + random() % 20;
        submitted[++last] = {tenant, tokens};
        queue.Submit(last, {tenant, tokens, absl::InfiniteFuture(), false}, now);
      }
      if (!running.empty()) {
        const auto it = std::next(running.begin(), random() % running.size());
        queue.Leave(*it, now);
        running.erase(it);
      }
      for (const AdmissionDecision& decision : queue.Decide(now)) {
        if (!decision.status.ok()) continue;
        running.insert(decision.id);
        ran[submitted[decision.id].first] += submitted[decision.id].second;
      }
    }
    EXPECT_NEAR(static_cast<double>(ran["calm"]) / static_cast<double>(ran["flood"]), 1, 0.1) << "seed " << seed;
  }
}

}  // namespace
}  // namespace baleen
