#include "services/router/dispatch_core.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <map>
#include <queue>
#include <random>
#include <set>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/sanitizers.h"
#include "proto/baleen/v1/placement.pb.h"

namespace baleen {
namespace {

const absl::Time kStart = absl::FromUnixSeconds(1000);
constexpr int kLayer = 2;
using Holdings = std::map<std::string, std::set<uint32_t>>;

ReplicaTable Table(const Holdings& holdings, const std::set<std::string>& draining = {}) {
  v1::ClusterMap map;
  for (const auto& [id, experts] : holdings) {
    v1::Worker* worker = map.add_workers();
    worker->mutable_info()->set_worker_id(id);
    worker->mutable_info()->set_role(v1::ROLE_EXPERT);
    worker->set_draining(draining.contains(id));
    v1::ExpertRange* range = worker->add_experts();
    range->set_layer(kLayer);
    for (const uint32_t expert : experts) range->add_experts(expert);
  }
  return ReplicaTable(map, "");
}

// One batch of `rows` rows that all want experts 0 and 1.
struct TwoExperts {
  explicit TwoExperts(int rows) {
    for (int row = 0; row < rows; ++row) ids.insert(ids.end(), {0, 1});
    shape = {kLayer, rows, 2, ids.data(), 1024};
  }
  std::vector<int32_t> ids;
  BatchShape shape;
};

class DispatchCoreTest : public testing::Test {
 protected:
  explicit DispatchCoreTest(DispatchPolicy policy = {}) : core_(policy) {}

  void Connect(const Holdings& holdings) {
    core_.SetMap(Table(holdings), kStart);
    for (const auto& [id, experts] : holdings) core_.Connected(id);
  }
  // Answers the call in full.
  void Answer(const OutgoingCall& call, absl::Time now) {
    const auto answer = core_.Answered(call.id, call.worker_id, now);
    if (answer.has_value()) core_.Written(answer->batch, answer->places.size());
  }

  DispatchCore core_;
  TwoExperts batch_{3};
};

TEST_F(DispatchCoreTest, HedgesAnOverdueCallOnceAndTakesTheFirstAnswer) {
  Connect({{"a", {0, 1}}});
  const BatchId batch = core_.Begin(batch_.shape);
  const auto first = core_.PlanBatch(batch, kStart);
  ASSERT_EQ(first.size(), 1u);
  core_.SetMap(Table({{"a", {0, 1}}, {"b", {0, 1}}}), kStart);
  core_.Connected("b");
  const absl::Time due = core_.NextEvent(kStart);
  EXPECT_EQ(due, kStart + DispatchPolicy().hedge_unknown);
  EXPECT_TRUE(core_.Plan(due - absl::Milliseconds(1)).empty());
  const auto second = core_.Plan(due);
  ASSERT_EQ(second.size(), 1u);
  EXPECT_EQ(second[0].worker_id, "b");
  EXPECT_TRUE(core_.Plan(due + absl::Milliseconds(100)).empty());
  Answer(second[0], due + absl::Milliseconds(100));
  EXPECT_TRUE(core_.Complete(batch));
  EXPECT_FALSE(core_.Answered(first[0].id, "a", due + absl::Milliseconds(101)).has_value());
  EXPECT_TRUE(core_.End(batch).ok());
  EXPECT_EQ(core_.stats().hedges, 1);
}

// A cluster that may have one second copy out.
class OneHedgeTest : public DispatchCoreTest {
 protected:
  OneHedgeTest() : DispatchCoreTest({.hedge_burst = 1, .answers_per_hedge = 1}) {}
};

TEST_F(OneHedgeTest, ASecondCopyLeavesNoSlotToTheShardThatHasTheFirst) {
  Connect({{"a", {0, 1}}});
  const TwoExperts wide(10);
  const BatchId other = core_.Begin(wide.shape);
  const auto first = core_.PlanBatch(other, kStart);
  const BatchId batch = core_.Begin(batch_.shape);
  ASSERT_EQ(core_.PlanBatch(batch, kStart).size(), 1u);
  core_.SetMap(Table({{"a", {0, 1}}, {"b", {0}}, {"c", {1}}}), kStart);
  core_.Connected("b");
  core_.Connected("c");
  absl::Time now = kStart + DispatchPolicy().hedge_unknown;
  const auto copies = core_.Plan(now);
  ASSERT_EQ(copies.size(), 2u) << "of the first batch, which takes the budget";
  // The shard turns out to live, and has less to do than "b".
  Answer(first[0], now);
  for (const OutgoingCall& copy : copies) {
    if (copy.worker_id == "c") Answer(copy, now);
  }
  std::set<std::string> asked;
  for (const OutgoingCall& copy : core_.Plan(now += DispatchPolicy().hedge_floor)) asked.insert(copy.worker_id);
  EXPECT_EQ(asked, (std::set<std::string>{"b", "c"}));
  EXPECT_TRUE(core_.End(other).ok());
  EXPECT_FALSE(core_.End(batch).ok());
}

TEST_F(DispatchCoreTest, WhatHasASecondCopyIsNotSentAgainWithWhatHasNone) {
  Connect({{"a", {0, 1}}});
  const BatchId batch = core_.Begin(batch_.shape);
  ASSERT_EQ(core_.PlanBatch(batch, kStart).size(), 1u);
  core_.SetMap(Table({{"a", {0, 1}}, {"b", {0}}, {"c", {1}}}), kStart);
  core_.Connected("b");
  absl::Time now = kStart + DispatchPolicy().hedge_unknown;
  std::vector<std::string> copies;
  for (int i = 0; i < 10; ++i) {
    if (i == 5) core_.Connected("c");
    for (const OutgoingCall& copy : core_.Plan(now += DispatchPolicy().hedge_floor)) copies.push_back(copy.worker_id);
  }
  EXPECT_EQ(copies, (std::vector<std::string>{"b", "c"}));
  EXPECT_FALSE(core_.End(batch).ok());
}

TEST_F(DispatchCoreTest, ASecondCopyGoesToALeavingShardWhereNobodyElseHasTheExpert) {
  const Holdings both{{"a", {0, 1}}, {"b", {0, 1}}};
  Connect(both);
  core_.SetMap(Table(both, {"b"}), kStart);
  const BatchId batch = core_.Begin(batch_.shape);
  const auto first = core_.PlanBatch(batch, kStart);
  ASSERT_EQ(first.size(), 1u);
  EXPECT_EQ(first[0].worker_id, "a");
  const absl::Time due = core_.NextEvent(kStart);
  const auto second = core_.Plan(due);
  ASSERT_EQ(second.size(), 1u);
  EXPECT_EQ(second[0].worker_id, "b");
  Answer(second[0], due);
  EXPECT_TRUE(core_.Complete(batch));
  EXPECT_TRUE(core_.End(batch).ok());
  // The one that hangs is no choice beside one that only leaves.
  const BatchId next = core_.Begin(batch_.shape);
  const auto calls = core_.PlanBatch(next, due);
  ASSERT_EQ(calls.size(), 1u);
  EXPECT_EQ(calls[0].worker_id, "b");
  EXPECT_FALSE(core_.End(next).ok());
}

TEST_F(DispatchCoreTest, ALostSecondCopyIsSentAgainWhileTheFirstHangs) {
  Connect({{"a", {0, 1}}});
  const BatchId batch = core_.Begin(batch_.shape);
  ASSERT_EQ(core_.PlanBatch(batch, kStart).size(), 1u);
  core_.SetMap(Table({{"a", {0, 1}}, {"b", {0}}, {"c", {1}}, {"d", {0, 1}}}), kStart);
  for (const char* id : {"b", "c"}) core_.Connected(id);
  const absl::Time now = kStart + DispatchPolicy().hedge_unknown;
  const auto copies = core_.Plan(now);
  ASSERT_EQ(copies.size(), 2u);
  core_.Connected("d");
  EXPECT_TRUE(core_.Plan(now).empty());
  core_.Disconnected("b", absl::UnavailableError("killed"));
  EXPECT_LE(core_.NextEvent(now), now);
  const auto again = core_.Plan(now);
  ASSERT_EQ(again.size(), 1u);
  EXPECT_EQ(again[0].worker_id, "d");
  EXPECT_EQ(again[0].work->slots, copies[0].work->slots) << "the copy that lives is none of it";
  Answer(again[0], now);
  Answer(copies[1], now);
  EXPECT_TRUE(core_.Complete(batch));
  EXPECT_TRUE(core_.End(batch).ok());
}

TEST_F(DispatchCoreTest, AnEjectedShardGetsNothingUntilItSpeaks) {
  Connect({{"a", {0, 1}}, {"b", {0, 1}}});
  absl::Time now = kStart;
  const BatchId stuck = core_.Begin(batch_.shape);
  OutgoingCall unanswered;
  for (const OutgoingCall& call : core_.PlanBatch(stuck, now)) {
    if (call.worker_id == "b") Answer(call, now);
    if (call.worker_id == "a") unanswered = call;
  }
  now += absl::Seconds(1);
  for (const OutgoingCall& call : core_.Plan(now)) Answer(call, now);
  EXPECT_TRUE(core_.Complete(stuck));
  EXPECT_EQ(core_.stats().ejected, 1);
  for (int i = 0; i < 5; ++i) {
    const BatchId batch = core_.Begin(batch_.shape);
    for (const OutgoingCall& call : core_.PlanBatch(batch, now)) {
      EXPECT_EQ(call.worker_id, "b");
      Answer(call, now);
    }
    EXPECT_TRUE(core_.End(batch).ok());
  }
  EXPECT_EQ(core_.TakeProbes(now + ShardHealth::kProbeInterval), std::vector<std::string>{"a"});
  core_.Alive("a", now + absl::Seconds(1));
  EXPECT_EQ(core_.stats().ejected, 0);
}

TEST_F(DispatchCoreTest, ACallThatCameTooLateIsNotHeldAgainstItsShard) {
  Connect({{"a", {0, 1}}});
  for (const bool late : {true, false}) {
    const BatchId over = core_.Begin(batch_.shape);
    const auto calls = core_.PlanBatch(over, kStart);
    ASSERT_EQ(calls.size(), 1u);
    EXPECT_FALSE(core_.End(over).ok());
    core_.Refused(calls[0].id, "a", late ? absl::DeadlineExceededError("too late") : absl::ResourceExhaustedError("full"), kStart);
    const BatchId next = core_.Begin(batch_.shape);
    const auto more = core_.PlanBatch(next, kStart);
    EXPECT_EQ(more.size(), late ? 1u : 0u);
    for (const OutgoingCall& call : more) Answer(call, kStart);
    (void)core_.End(next);
  }
}

TEST_F(DispatchCoreTest, ACallThatCouldNotBeSentIsNoSignOfLife) {
  Connect({{"a", {0, 1}}});
  const BatchId batch = core_.Begin(batch_.shape);
  const auto calls = core_.PlanBatch(batch, kStart);
  ASSERT_EQ(calls.size(), 1u);
  absl::Time now = kStart + DispatchPolicy().attempt_timeout;
  const auto again = core_.Plan(now);
  ASSERT_EQ(again.size(), 1u) << "the first was given up";
  EXPECT_EQ(core_.stats().ejected, 1);
  core_.NotSent(calls[0].id, "a", absl::UnavailableError("broken"), now);
  EXPECT_EQ(core_.stats().ejected, 1);
  core_.NotSent(again[0].id, "a", absl::UnavailableError("broken"), now);
  EXPECT_EQ(core_.stats().ejected, 1);
  EXPECT_TRUE(core_.Plan(now).empty());
  EXPECT_EQ(core_.Plan(now + ShardHealth::kRefusalPause).size(), 1u);
  EXPECT_FALSE(core_.End(batch).ok());
}

TEST_F(DispatchCoreTest, AShardThatLeftIsHedgedAtOnceAndForgottenWhenDone) {
  Connect({{"a", {0, 1}}});
  const BatchId batch = core_.Begin(batch_.shape);
  const auto first = core_.PlanBatch(batch, kStart);
  ASSERT_EQ(first.size(), 1u);
  core_.SetMap(Table({{"b", {0, 1}}}), kStart);
  core_.Connected("b");
  const auto second = core_.Plan(kStart);
  ASSERT_EQ(second.size(), 1u);
  EXPECT_EQ(second[0].worker_id, "b");
  EXPECT_TRUE(core_.TakeForgotten().empty());
  Answer(first[0], kStart);
  EXPECT_TRUE(core_.Complete(batch));
  EXPECT_EQ(core_.TakeForgotten(), std::vector<std::string>{"a"});
}

TEST_F(DispatchCoreTest, AShardThatLeftIsHedgedOnceHoweverManyMapsFollow) {
  Connect({{"a", {0, 1}}});
  const BatchId batch = core_.Begin(batch_.shape);
  ASSERT_EQ(core_.PlanBatch(batch, kStart).size(), 1u);
  core_.SetMap(Table({{"b", {0, 1}}}), kStart);
  core_.Connected("b");
  EXPECT_EQ(core_.Plan(kStart).size(), 1u);
  for (int i = 0; i < 5; ++i) {
    core_.SetMap(Table({{"b", {0, 1}}, {"c", {0, 1}}}), kStart);
    core_.Connected("c");
    EXPECT_TRUE(core_.Plan(kStart).empty());
  }
  EXPECT_EQ(core_.stats().hedges, 1);
  EXPECT_FALSE(core_.End(batch).ok());
}

TEST_F(DispatchCoreTest, AShardThatWasSlowOnceStillGetsCalls) {
  Connect({{"a", {0, 1, 2, 3, 4, 5, 6, 7}}, {"b", {0, 1, 2, 3, 4, 5, 6, 7}}});
  const std::vector<int32_t> ids = {0, 1, 2, 3, 4, 5, 6, 7};
  const BatchShape shape{kLayer, 1, 8, ids.data(), 1024};
  absl::Time now = kStart;
  std::map<std::string, int> calls;
  for (int i = 0; i < 10; ++i) {
    const BatchId batch = core_.Begin(shape);
    const auto out = core_.PlanBatch(batch, now);
    for (const OutgoingCall& call : out) ++calls[call.worker_id];
    for (const OutgoingCall& call : out) {
      const bool slow = i == 0 && call.worker_id == "a";
      Answer(call, now += slow ? absl::Milliseconds(200) : absl::Microseconds(10));
    }
    EXPECT_TRUE(core_.End(batch).ok());
  }
  EXPECT_EQ(calls["a"], 10);
  EXPECT_EQ(calls["b"], 10);
}

TEST_F(DispatchCoreTest, AShardThatStillLoadsHidesNobodysSpeed) {
  Connect({{"a", {0, 1}}, {"b", {0, 1}}, {"new", {}}});
  absl::Time now = kStart;
  const auto run = [&] {
    std::map<std::string, size_t> slots;
    const BatchId batch = core_.Begin(batch_.shape);
    const auto calls = core_.PlanBatch(batch, now);
    for (const OutgoingCall& call : calls) slots[call.worker_id] += call.work->slots.size();
    for (const std::string id : {"b", "a"}) {  // Which takes three times as long.
      now += absl::Milliseconds(id == "b" ? 1 : 2);
      for (const OutgoingCall& call : calls) {
        if (call.worker_id == id) Answer(call, now);
      }
    }
    EXPECT_TRUE(core_.End(batch).ok());
    return slots;
  };
  for (int i = 0; i < 50; ++i) run();
  EXPECT_EQ(run(), (std::map<std::string, size_t>{{"b", 6}}));
}

TEST_F(DispatchCoreTest, ASlowClusterIsNotGivenTwiceTheWork) {
  Connect({{"a", {0, 1}}, {"b", {0, 1}}});
  absl::Time now = kStart;
  int64_t sent = 0;
  for (int i = 0; i < 200; ++i) {
    const BatchId batch = core_.Begin(batch_.shape);
    std::vector<OutgoingCall> out = core_.PlanBatch(batch, now);
    for (int wait = 0; wait < 3; ++wait) {
      now += absl::Seconds(1);
      const auto more = core_.Plan(now);
      out.insert(out.end(), more.begin(), more.end());
    }
    sent += static_cast<int64_t>(out.size());
    for (const OutgoingCall& call : out) Answer(call, now);
    EXPECT_TRUE(core_.End(batch).ok());
  }
  EXPECT_LE(core_.stats().hedges, 16 + sent / 10);
}

TEST_F(DispatchCoreTest, EndNamesTheExpertThatNobodyHolds) {
  Connect({{"a", {0}}});
  const BatchId batch = core_.Begin(batch_.shape);
  for (const OutgoingCall& call : core_.PlanBatch(batch, kStart)) Answer(call, kStart);
  EXPECT_EQ(core_.stats().parked, 3);
  const absl::Status status = core_.End(batch);
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_NE(status.message().find("layer 2 expert 1"), absl::string_view::npos) << status;
  EXPECT_EQ(core_.stats().parked, 0);
}

// A cluster in simulated time: shards answer, stall, refuse, die, come back and change what they hold. Checked: no output is written twice
// or by a shard that does not hold the expert, and once every expert has a live holder every batch completes.
class Simulation {
 public:
  explicit Simulation(uint32_t seed) : random_(seed) {
    experts_ = 4 + Pick(8);
    top_k_ = 1 + Pick(4);
    const int shards = 2 + Pick(4);
    for (int i = 0; i < shards; ++i) shards_[absl::StrCat("s", i)];
    DealExperts();
    for (auto& [id, shard] : shards_) {
      core_.Connected(id);
      shard.up = true;
    }
  }

  void Run() {
    for (int i = 0; i < 40; ++i) {
      if (open_.size() < 3 && Pick(2) == 0) Begin();
      Disturb();
      Advance(absl::Milliseconds(Pick(60)));
      if (testing::Test::HasFailure()) return;
    }
    Heal();
    for (int i = 0; i < 4000 && !open_.empty(); ++i) Advance(absl::Milliseconds(10));
    ASSERT_TRUE(open_.empty()) << open_.size() << " batches never completed";
    EXPECT_EQ(core_.stats().parked, 0);
  }

 private:
  struct Shard {
    bool up = false;
    bool stalled = false;
    bool refuses = false;
    std::set<uint32_t> holds;
    std::deque<OutgoingCall> stuck;
  };
  struct Open {
    std::vector<int32_t> ids;
    std::vector<int> written;
  };
  struct Arrival {
    absl::Time at;
    uint64_t order;
    OutgoingCall call;
    bool refusal;
    bool operator<(const Arrival& other) const { return std::tie(other.at, other.order) < std::tie(at, order); }
  };

  int Pick(int below) { return static_cast<int>(random_() % static_cast<uint32_t>(below)); }
  Shard& AnyShard() { return std::next(shards_.begin(), Pick(static_cast<int>(shards_.size())))->second; }

  void DealExperts() {
    Holdings holdings;
    for (auto& [id, shard] : shards_) shard.holds.clear();
    for (int expert = 0; expert < experts_; ++expert) {
      for (int copy = 0; copy < 2; ++copy) AnyShard().holds.insert(static_cast<uint32_t>(expert));
    }
    for (auto& [id, shard] : shards_) {
      holdings[id] = shard.holds;
      held_[id].insert(shard.holds.begin(), shard.holds.end());
    }
    core_.SetMap(Table(holdings), now_);
  }

  void Begin() {
    std::vector<int32_t> all(static_cast<size_t>(experts_));
    for (int i = 0; i < experts_; ++i) all[static_cast<size_t>(i)] = i;
    auto open = std::make_unique<Open>();
    const int rows = 1 + Pick(6);
    for (int row = 0; row < rows; ++row) {
      std::shuffle(all.begin(), all.end(), random_);
      std::sort(all.begin(), all.begin() + top_k_);
      open->ids.insert(open->ids.end(), all.begin(), all.begin() + top_k_);
    }
    open->written.assign(open->ids.size(), 0);
    const BatchId id = core_.Begin({kLayer, rows, top_k_, open->ids.data(), top_k_ + Pick(6)});
    open_[id] = std::move(open);
    Deliver(core_.PlanBatch(id, now_));
  }

  void Disturb() {
    Shard& shard = AnyShard();
    switch (Pick(12)) {
      case 0:
        shard.stalled = !shard.stalled;
        break;
      case 1:
        shard.refuses = !shard.refuses;
        break;
      case 2:
        Kill(shard);
        break;
      case 3:
        DealExperts();
        break;
      case 4:
        Revive();
        break;
      case 5:
        Abandon();
        break;
      default:
        break;
    }
  }

  void Abandon() {
    if (open_.empty()) return;
    const auto it = std::next(open_.begin(), Pick(static_cast<int>(open_.size())));
    const absl::Status status = core_.End(it->first);
    EXPECT_TRUE(status.ok() || status.message().find("expert") != absl::string_view::npos) << status;
    open_.erase(it);
  }

  void Kill(Shard& victim) {
    for (auto& [id, shard] : shards_) {
      if (&shard != &victim || !shard.up) continue;
      shard.up = false;
      shard.stuck.clear();
      ++lives_[id];
      core_.Disconnected(id, absl::UnavailableError("killed"));
    }
  }

  void Revive() {
    for (auto& [id, shard] : shards_) {
      if (shard.up) continue;
      shard.up = true;
      shard.stalled = false;
      core_.Connected(id);
    }
  }

  void Heal() {
    Revive();
    for (auto& [id, shard] : shards_) {
      shard.refuses = false;
      shard.stalled = false;
      for (const OutgoingCall& call : std::exchange(shard.stuck, {})) Schedule(call, false);
    }
  }

  void Deliver(const std::vector<OutgoingCall>& calls) {
    for (const OutgoingCall& call : calls) {
      Shard& shard = shards_.at(call.worker_id);
      ASSERT_TRUE(shard.up) << call.worker_id;
      for (const uint32_t expert : call.work->expert_ids) ASSERT_TRUE(held_.at(call.worker_id).count(expert)) << expert;
      if (shard.stalled) {
        shard.stuck.push_back(call);
      } else {
        Schedule(call, shard.refuses);
      }
    }
  }

  void Schedule(const OutgoingCall& call, bool refusal) {
    lived_[call.id] = lives_[call.worker_id];
    arrivals_.push({now_ + absl::Milliseconds(1 + Pick(30)), ++order_, call, refusal});
  }

  void Arrive(const Arrival& arrival) {
    const OutgoingCall& call = arrival.call;
    if (!shards_.at(call.worker_id).up || lived_[call.id] != lives_[call.worker_id]) return;  // Its stream is gone.
    if (arrival.refusal) return core_.Refused(call.id, call.worker_id, absl::InternalError("no"), now_);
    const auto answer = core_.Answered(call.id, call.worker_id, now_);
    if (!answer.has_value()) return;
    const auto open = open_.find(answer->batch);
    ASSERT_NE(open, open_.end()) << "an answer for a batch that ended";
    for (const size_t place : answer->places) {
      ASSERT_EQ(++open->second->written[static_cast<size_t>(answer->work->slots[place])], 1) << "written twice";
    }
    core_.Written(answer->batch, answer->places.size());
    if (!core_.Complete(answer->batch)) return;
    for (const int times : open->second->written) ASSERT_EQ(times, 1) << "an expert was skipped";
    EXPECT_TRUE(core_.End(answer->batch).ok());
    open_.erase(open);
  }

  void Advance(absl::Duration duration) {
    const absl::Time until = now_ + duration;
    for (int steps = 0; steps < 10000; ++steps) {
      absl::Time next = std::min(until, std::max(core_.NextEvent(now_), now_ + absl::Milliseconds(1)));
      if (!arrivals_.empty()) next = std::min(next, arrivals_.top().at);
      now_ = std::max(now_, next);
      while (!arrivals_.empty() && arrivals_.top().at <= now_) {
        const Arrival arrival = arrivals_.top();
        arrivals_.pop();
        Arrive(arrival);
      }
      for (const std::string& id : core_.TakeProbes(now_)) {
        if (shards_.at(id).up && !shards_.at(id).stalled) core_.Alive(id, now_);
      }
      Deliver(core_.Plan(now_));
      if (now_ >= until || testing::Test::HasFailure()) return;
    }
    FAIL() << "events without end";
  }

  std::mt19937 random_;
  absl::Time now_ = kStart;
  int experts_ = 0;
  int top_k_ = 0;
  uint64_t order_ = 0;
  DispatchCore core_{DispatchPolicy()};
  std::map<std::string, Shard> shards_;
  std::map<std::string, std::set<uint32_t>> held_;  // Ever.
  std::map<std::string, int> lives_;
  std::map<uint64_t, int> lived_;
  std::map<BatchId, std::unique_ptr<Open>> open_;
  std::priority_queue<Arrival> arrivals_;
};

TEST(DispatchCoreSimulationTest, EveryBatchCompletesUnderFaults) {
  for (uint32_t seed = 0; seed < (kSanitized ? 500 : 10000); ++seed) {
    SCOPED_TRACE(absl::StrCat("seed ", seed));
    Simulation(seed).Run();
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace baleen
