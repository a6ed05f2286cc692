#include "services/gateway/admission/admission_queue.h"

#include <gtest/gtest.h>

#include <random>
#include <set>

#include "absl/strings/str_cat.h"
#include "services/gateway/api/api_error.h"

namespace baleen {
namespace {

const absl::Time kStart = absl::FromUnixSeconds(1000);

AdmissionLimits Limits() {
  AdmissionLimits limits;
  limits.running.tokens = 100;
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

TEST_F(AdmissionQueueTest, ATenantAloneHasAllAgainOnceTheOthersAreForgotten) {
  Submit("other", 10);
  EXPECT_EQ(Runs().size(), 1u);
  queue_.Leave(1, kStart);
  const absl::Time forgotten = kStart + Limits().tenant_memory;
  const absl::Time now = forgotten - absl::Seconds(20);
  for (int i = 0; i < 5; ++i) Submit("flood", 20, now);
  EXPECT_EQ(Runs(now).size(), 3u);
  EXPECT_EQ(queue_.NextEvent(), forgotten);
  EXPECT_TRUE(Runs(forgotten - absl::Nanoseconds(1)).empty());
  EXPECT_EQ(Runs(forgotten).size(), 2u);
  EXPECT_TRUE(refused_.empty());
}

TEST_F(AdmissionQueueTest, ResumedRequestsDoNotWait) {
  Submit("t", 100);
  EXPECT_EQ(Runs().size(), 1u);
  queue_.Submit(++last_, {"t", 50, absl::InfiniteFuture(), true}, kStart);
  EXPECT_EQ(queue_.NextEvent(), absl::InfinitePast());
  EXPECT_EQ(Runs(), std::vector<uint64_t>{2});
  EXPECT_EQ(queue_.running_tokens(), 150);
}

TEST_F(AdmissionQueueTest, SequencesAreBoundedAsTokensAre) {
  queue_.SetCapacity({3, 1000});
  for (int i = 0; i < 5; ++i) Submit("t", 10);
  EXPECT_EQ(Runs().size(), 3u);
  queue_.SetCapacity({4, 1000});
  EXPECT_EQ(Runs(), std::vector<uint64_t>{4});
  queue_.SetCapacity({2, 1000});
  queue_.Leave(1, kStart);
  EXPECT_TRUE(Runs().empty()) << "more run than the cluster runs well";
  queue_.Leave(2, kStart);
  queue_.Leave(3, kStart);
  EXPECT_EQ(Runs(), std::vector<uint64_t>{5});
}

TEST_F(AdmissionQueueTest, WhoRunsItsPartLeavesFreePlacesToWhoDoesNot) {
  queue_.SetCapacity({4, 1000});
  for (int i = 0; i < 3; ++i) Submit("greedy", 100);
  Submit("calm", 400);
  EXPECT_EQ(Runs().size(), 4u);
  Submit("greedy", 1);  // Its turn in tokens would come long before the other's.
  Submit("calm", 100);
  queue_.Leave(1, kStart);
  EXPECT_EQ(Runs(), std::vector<uint64_t>{6});
  queue_.Leave(2, kStart);
  EXPECT_EQ(Runs(), std::vector<uint64_t>{5});
}

// Requests of 20 tokens that take a second, five at a time: 100 tokens leave a second.
class AdmissionQueueSpeedTest : public AdmissionQueueTest {
 protected:
  AdmissionQueueSpeedTest() {
    for (int round = 0; round < 20; ++round) {
      for (int i = 0; i < 5; ++i) Submit("t", 20, now_);
      const std::vector<uint64_t> run = Runs(now_);
      EXPECT_EQ(run.size(), 5u);
      now_ += absl::Seconds(1);
      for (const uint64_t id : run) queue_.Leave(id, now_);
    }
    for (int i = 0; i < 5; ++i) Submit("t", 20, now_);
    EXPECT_EQ(Runs(now_).size(), 5u);
  }

  absl::Time now_ = kStart;
};

TEST_F(AdmissionQueueSpeedTest, RetryAfterFollowsTheSpeedOfLate) {
  EXPECT_EQ(queue_.RetryAfter(), absl::Seconds(1));
  for (int i = 0; i < 2; ++i) Submit("t", 90, now_);
  Runs(now_);
  EXPECT_EQ(queue_.RetryAfter(), absl::Seconds(2));
}

TEST_F(AdmissionQueueSpeedTest, WhoWouldBeTooLateIsRefusedAtOnce) {
  Submit("t", 100, now_, now_ + absl::Milliseconds(1100));
  const uint64_t late = Submit("t", 20, now_, now_ + absl::Milliseconds(1100));
  EXPECT_TRUE(Runs(now_).empty());
  EXPECT_EQ(refused_.size(), 1u);
  EXPECT_EQ(refused_.at(late).code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(ToApiError(refused_.at(late)).retry_after_s, 1) << "those who wait will have been served";
}

TEST_F(AdmissionQueueSpeedTest, WhoWouldWaitTooLongIsRefusedAtOnce) {
  for (int i = 0; i < 3; ++i) Submit("t", 95, now_);
  EXPECT_TRUE(Runs(now_).empty());
  EXPECT_TRUE(refused_.empty()) << "less than three seconds";
  const uint64_t newcomer = Submit("t", 20, now_);
  const uint64_t other = Submit("other", 5, now_);
  EXPECT_TRUE(Runs(now_).empty());
  EXPECT_EQ(refused_.count(newcomer), 1u);
  EXPECT_EQ(refused_.count(other), 0u) << "another tenant's turn comes sooner";
  EXPECT_EQ(queue_.waiting(), 4) << "nobody who waits already is refused for that";
}

TEST_F(AdmissionQueueSpeedTest, ResumedRequestsAreNotRefused) {
  for (int i = 0; i < 3; ++i) Submit("t", 95, now_);
  queue_.Submit(++last_, {"t", 200, now_ + absl::Milliseconds(1), true}, now_);
  EXPECT_EQ(Runs(now_), std::vector<uint64_t>{last_});
  EXPECT_TRUE(refused_.empty());
}

// Tenants come, wait, run, leave at random: bounds hold, everybody is decided about once, and nothing is left.
TEST(AdmissionQueueSimulationTest, BoundsHoldAndNobodyIsForgotten) {
  for (uint32_t seed = 0; seed < 1500; ++seed) {
    SCOPED_TRACE(absl::StrCat("seed ", seed));
    std::mt19937 random(seed);
    AdmissionLimits limits = Limits();
    limits.running.sequences = 5;
    AdmissionQueue queue(limits);
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
      ASSERT_TRUE((queue.running_tokens() <= 100 && queue.running() <= 5) || queue.running() == 1);
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

// What is foreseen happens, whatever more the request asks for; and of what is refused once all that may run does, most is foreseen.
TEST(AdmissionQueueSimulationTest, WhatIsForeseenHappens) {
  int foreseen = 0;
  int missed = 0;
  for (uint32_t seed = 0; seed < 300; ++seed) {
    SCOPED_TRACE(absl::StrCat("seed ", seed));
    std::mt19937 random(seed);
    const auto draw = [&random](int64_t below) { return static_cast<int64_t>(random()) % below; };
    AdmissionLimits limits = Limits();
    limits.running.sequences = 3 + draw(8);
    limits.max_expected_wait = absl::Seconds(draw(5));
    limits.tenant_memory = absl::Seconds(draw(20));
    AdmissionQueue queue(limits);
    absl::Time now = kStart;
    std::set<uint64_t> running;
    const auto decide = [&](uint64_t id) {
      absl::Status own;
      for (const AdmissionDecision& decision : queue.Decide(now)) {
        if (decision.id == id) own = decision.status;
        if (decision.status.ok()) running.insert(decision.id);
      }
      return own;
    };
    const int64_t tenants = 1 + draw(4);
    for (uint64_t id = 1; id < 300; ++id) {
      now += absl::Milliseconds(draw(300));
      std::erase_if(running, [&](uint64_t one) { return draw(8) == 0 && queue.Leave(one, now); });
      if (draw(50) == 0) queue.SetCapacity({3 + draw(8), 100});
      const bool settled = draw(2) == 0;
      if (settled) decide(0).IgnoreError();
      const AdmissionRequest request = {absl::StrCat("t", draw(tenants)), 1 + draw(60), now + absl::Milliseconds(1 + draw(9000))};
      AdmissionRequest least = request;
      if (!settled) least.tokens = draw(request.tokens + 1);
      const absl::Status foretold = queue.Foresee(least, now);
      queue.Submit(id, request, now);
      const absl::Status own = decide(id);
      if (settled && !own.ok()) ++(foretold.ok() ? missed : foreseen);
      if (foretold.ok()) continue;
      ASSERT_FALSE(own.ok());
      // More tokens would make it wait too long even if the queue had room.
      ASSERT_EQ(own, absl::IsUnavailable(foretold) ? foretold : own);
      ASSERT_EQ(ToApiError(own).retry_after_s, ToApiError(foretold).retry_after_s);
    }
  }
  EXPECT_GT(foreseen, 10 * missed);
}

// A cluster that runs six at a time; each request takes between one and two seconds.
class Served {
 public:
  static constexpr int64_t kSequences = 6;

  explicit Served(uint32_t seed) : random_(seed), queue_(MakeLimits()) {}

  void Submit(const std::string& tenant) {
    const int64_t tokens = 5 + static_cast<int64_t>(random_() % 20);
    entered_[++last_] = {tenant, tokens, now_};
    queue_.Submit(last_, {tenant, tokens, absl::InfiniteFuture(), false}, now_);
  }

  // Ten milliseconds later.
  void Tick() {
    now_ += absl::Milliseconds(10);
    while (!ends_.empty() && ends_.begin()->first <= now_) {
      queue_.Leave(ends_.begin()->second, now_);
      ends_.erase(ends_.begin());
    }
    for (const AdmissionDecision& decision : queue_.Decide(now_)) {
      const Request request = entered_.at(decision.id);
      entered_.erase(decision.id);
      ++(decision.status.ok() ? served_ : refused_)[request.tenant];
      if (!decision.status.ok()) continue;
      tokens_[request.tenant] += request.tokens;
      ends_.emplace(now_ + absl::Milliseconds(1000 + random_() % 1000), decision.id);
      // Who comes before anything ended cannot be told how long it will take.
      if (request.entered < kStart + absl::Seconds(2)) continue;
      longest_wait_[request.tenant] = std::max(longest_wait_[request.tenant], now_ - request.entered);
    }
  }

  AdmissionQueue& queue() { return queue_; }
  int Draw(int below) { return static_cast<int>(random_() % static_cast<uint32_t>(below)); }
  int served(const std::string& tenant) { return served_[tenant]; }
  int refused(const std::string& tenant) { return refused_[tenant]; }
  int64_t tokens(const std::string& tenant) { return tokens_[tenant]; }
  absl::Duration longest_wait(const std::string& tenant) { return longest_wait_[tenant]; }

 private:
  struct Request {
    std::string tenant;
    int64_t tokens = 0;
    absl::Time entered;
  };

  static AdmissionLimits MakeLimits() {
    AdmissionLimits limits;
    limits.running = {kSequences, 10000};
    return limits;
  }

  std::mt19937 random_;
  AdmissionQueue queue_;
  absl::Time now_ = kStart;
  uint64_t last_ = 0;
  std::map<uint64_t, Request> entered_;  // Those who wait.
  std::multimap<absl::Time, uint64_t> ends_;
  std::map<std::string, int> served_;
  std::map<std::string, int> refused_;
  std::map<std::string, int64_t> tokens_;
  std::map<std::string, absl::Duration> longest_wait_;
};

// A flood keeps every place busy, is refused early rather than late, and leaves a short queue behind.
TEST(AdmissionQueueSimulationTest, AFloodIsServedAtFullSpeedAndWaitsLittle) {
  for (uint32_t seed = 0; seed < 40; ++seed) {
    SCOPED_TRACE(absl::StrCat("seed ", seed));
    Served served(seed);
    for (int tick = 0; tick < 6000; ++tick) {
      if (served.Draw(100) < 40) served.Submit("flood");  // 40 a second, of which 4 can be served.
      served.Tick();
      if (tick > 1000) {
        ASSERT_EQ(served.queue().running(), Served::kSequences) << "a place is free while somebody waits";
      }
    }
    // 60 tokens leave a second. The first to end are the shortest, half as long as the longest: waits may be twice what was expected.
    EXPECT_LE(served.queue().waiting_tokens(), 5 * 60);
    EXPECT_LE(served.longest_wait("flood"), 2 * AdmissionLimits().max_expected_wait);
    EXPECT_GE(served.served("flood"), 225);
    EXPECT_GE(served.refused("flood"), 1900);
  }
}

// One request a second, a quarter of the capacity, beside ten times as many as there is room for.
TEST(AdmissionQueueSimulationTest, ACalmTenantHardlyNoticesAFlood) {
  for (uint32_t seed = 0; seed < 40; ++seed) {
    SCOPED_TRACE(absl::StrCat("seed ", seed));
    Served served(seed);
    for (int tick = 0; tick < 6000; ++tick) {
      if (served.Draw(100) < 40) served.Submit("flood");
      if (tick % 100 == 0) served.Submit("calm");
      served.Tick();
    }
    EXPECT_EQ(served.refused("calm"), 0);
    EXPECT_LE(served.longest_wait("calm"), absl::Seconds(1));
    EXPECT_GE(served.served("flood"), 100) << "what the calm one leaves is used";
  }
}

// Of many tenants who all want more than there is, none starves.
TEST(AdmissionQueueSimulationTest, ManyTenantsGetEqualTokens) {
  for (uint32_t seed = 0; seed < 10; ++seed) {
    SCOPED_TRACE(absl::StrCat("seed ", seed));
    Served served(seed);
    for (int tick = 0; tick < 30000; ++tick) {
      // Tenant k asks k + 1 times as often as tenant 0.
      for (int tenant = 0; tenant < 5; ++tenant) {
        if (served.Draw(100) < 2 * (tenant + 1)) served.Submit(absl::StrCat("t", tenant));
      }
      served.Tick();
    }
    int64_t all = 0;
    for (int tenant = 0; tenant < 5; ++tenant) all += served.tokens(absl::StrCat("t", tenant));
    for (int tenant = 0; tenant < 5; ++tenant) {
      EXPECT_NEAR(static_cast<double>(served.tokens(absl::StrCat("t", tenant))) / static_cast<double>(all), 0.2, 0.03)
          << "tenant " << tenant;
    }
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
