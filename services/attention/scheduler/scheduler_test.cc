#include "services/attention/scheduler/scheduler.h"

#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace baleen {
namespace {

constexpr KvShape kShape = {.layers = 1, .width = 1, .dtype = DType::kF32};
const absl::Time kNow = absl::FromUnixSeconds(1000);

struct Observer final : SequenceObserver {
  bool writable = true;
  bool Writable() const override { return writable; }
  void OnFinished(const absl::Status& status, StopReason reason) override {}
};

int64_t PoolBytes(int64_t blocks) { return blocks * kShape.BlockBytes(); }

SequenceRequest Request(const std::string& key, int64_t prompt, int64_t max_tokens) {
  SequenceRequest request;
  request.key = key;
  request.tokens.assign(static_cast<size_t>(prompt), 7);
  request.prompt_tokens = prompt;
  request.stop = {.max_tokens = max_tokens, .stop_ids = {1}, .max_positions = 4096};
  request.observer = std::make_shared<Observer>();
  return request;
}

SequenceRequest Salted(SequenceRequest request, const std::string& salt) {
  request.cache_salt = salt;
  return request;
}

SequenceRequest FillRequest(const std::string& key, int64_t tokens) {
  SequenceRequest request = Request(key, tokens, 1);
  request.generates = false;
  return request;
}

std::vector<RowResult> Sampled(const StepPlan& plan, int32_t token) {
  std::vector<RowResult> results(plan.rows.size());
  for (size_t i = 0; i < results.size(); ++i) {
    if (plan.rows[i].logits > 0) results[i].tokens.push_back(token);
  }
  return results;
}

class SchedulerTest : public testing::Test {
 protected:
  SchedulerTest()
      : pool_(kShape, PoolBytes(16)),
        scheduler_({.max_batch_tokens = 32, .prefill_chunk = 16, .max_running = 4, .max_waiting = 3, .max_waiting_tokens = 500}, &pool_) {}

  StepPlan Step(int32_t token = 5) {
    scheduler_.Admit(kNow);
    StepPlan plan = scheduler_.PlanStep();
    scheduler_.CompleteStep(plan, Sampled(plan, token));
    return plan;
  }

  BlockPool pool_;
  Scheduler scheduler_;
};

TEST_F(SchedulerTest, ChunksThePromptThenDecodesToMaxTokens) {
  ASSERT_TRUE(scheduler_.Submit(Request("a", 40, 2)).ok());
  std::vector<int64_t> counts;
  while (scheduler_.running() + scheduler_.waiting() > 0) counts.push_back(Step().tokens);
  EXPECT_EQ(counts, (std::vector<int64_t>{16, 16, 8, 1}));
  const auto ended = scheduler_.TakeEnded();
  ASSERT_EQ(ended.size(), 1u);
  EXPECT_EQ(ended[0]->end_reason, StopReason::kLength);
  EXPECT_EQ(ended[0]->generated(), 2);
  EXPECT_EQ(pool_.free_blocks(), pool_.total_blocks());
}

TEST_F(SchedulerTest, DecodeRowsComeFirstAndBoundPrefill) {
  ASSERT_TRUE(scheduler_.Submit(Request("a", 4, 50)).ok());
  Step();
  ASSERT_TRUE(scheduler_.Submit(Request("b", 100, 5)).ok());
  ASSERT_TRUE(scheduler_.Submit(Request("c", 100, 5)).ok());
  scheduler_.Admit(kNow);
  const StepPlan plan = scheduler_.PlanStep();
  ASSERT_EQ(plan.rows.size(), 2u);
  EXPECT_EQ(plan.rows[0].sequence->request.key, "a");
  EXPECT_EQ(plan.rows[1].sequence->request.key, "b");
  EXPECT_EQ(plan.tokens, 17);
}

TEST_F(SchedulerTest, QueueIsBoundedInRequestsAndTokens) {
  for (const char* key : {"a", "b", "c"}) ASSERT_TRUE(scheduler_.Submit(Request(key, 4, 4)).ok());
  EXPECT_EQ(scheduler_.Submit(Request("d", 4, 4)).status().code(), absl::StatusCode::kResourceExhausted);
  scheduler_.Admit(kNow);
  ASSERT_TRUE(scheduler_.Submit(Request("e", 400, 4)).ok());
  EXPECT_EQ(scheduler_.Submit(Request("f", 101, 4)).status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_TRUE(scheduler_.Submit(Request("g", 100, 4)).ok());
}

TEST_F(SchedulerTest, WhatNeverFitsIsRefused) {
  EXPECT_EQ(scheduler_.Submit(Request("a", 64, 64 * 16)).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(scheduler_.Submit(Request("a", 0, 1)).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_TRUE(scheduler_.Submit(Request("a", 64, 64 * 15)).ok());
}

TEST_F(SchedulerTest, AdmissionTakesTheKnownTokensBlocksAndWaitsInOrder) {
  for (const char* key : {"a", "b"}) {
    ASSERT_TRUE(scheduler_.Submit(FillRequest(key, 64 * 7)).ok());
    ASSERT_EQ(scheduler_.Admit(kNow).size(), 1u);
  }
  EXPECT_EQ(pool_.free_blocks(), 2);
  ASSERT_TRUE(scheduler_.Submit(Request("wide", 65, 64)).ok());
  ASSERT_TRUE(scheduler_.Submit(Request("small", 4, 400)).ok());
  EXPECT_TRUE(scheduler_.Admit(kNow).empty()) << "a block must stay free for each that runs";
  while (scheduler_.waiting() == 2) Step();
  EXPECT_EQ(scheduler_.waiting(), 0);
}

TEST_F(SchedulerTest, GrowthIntoAnEmptyPoolPreempts) {
  for (const char* key : {"a", "b", "c"}) {
    ASSERT_TRUE(scheduler_.Submit(Salted(Request(key, 64 * 4, 64 * 4), key)).ok());
    scheduler_.Admit(kNow);
  }
  std::map<std::string, int64_t> generated;
  while (scheduler_.running() + scheduler_.waiting() > 0) {
    Step();
    for (const auto& sequence : scheduler_.TakeEnded()) generated[sequence->request.key] = sequence->generated();
  }
  EXPECT_GT(scheduler_.preemptions(), 0);
  EXPECT_EQ(generated, (std::map<std::string, int64_t>{{"a", 256}, {"b", 256}, {"c", 256}}));
}

TEST_F(SchedulerTest, PriorityIsAHeadStartOfBoundedWorth) {
  const auto arrives = [&](const char* key, int32_t priority, absl::Duration after) {
    SequenceRequest request = Request(key, 4, 4);
    request.priority = priority;
    request.arrival = kNow + after;
    ASSERT_TRUE(scheduler_.Submit(std::move(request)).ok());
  };
  arrives("early", 0, absl::ZeroDuration());
  arrives("urgent", 1, kPriorityHeadStart / 2);
  arrives("late", 1, 2 * kPriorityHeadStart);
  std::vector<std::string> order;
  for (const Sequence* sequence : scheduler_.Admit(kNow)) order.push_back(sequence->request.key);
  EXPECT_EQ(order, (std::vector<std::string>{"urgent", "early", "late"}));
}

TEST_F(SchedulerTest, TheUrgentTakesTheBlocksOfTheLess) {
  ASSERT_TRUE(scheduler_.Submit(Salted(Request("low", 64 * 7, 64 * 8), "low")).ok());
  Step();
  SequenceRequest urgent = Salted(Request("urgent", 64 * 7, 64 * 8), "urgent");
  urgent.priority = 1;
  ASSERT_TRUE(scheduler_.Submit(urgent).ok());
  SequenceRequest more = Salted(Request("more", 64 * 7, 64), "more");
  Step();
  EXPECT_EQ(scheduler_.running(), 2);
  more.priority = 2;
  ASSERT_TRUE(scheduler_.Submit(more).ok());
  const auto admitted = scheduler_.Admit(kNow);
  ASSERT_EQ(admitted.size(), 1u);
  EXPECT_EQ(admitted[0]->request.key, "more");
  EXPECT_EQ(scheduler_.preemptions(), 1);
  EXPECT_EQ(scheduler_.waiting(), 1);
}

SequenceRequest Urgent(SequenceRequest request, int32_t priority) {
  request.priority = priority;
  return request;
}

// "low" has but one block of its own: the others are "high"'s too, which stays.
TEST_F(SchedulerTest, WhoSharesAllItsBlocksDoesNotGiveWayInVain) {
  ASSERT_TRUE(scheduler_.Submit(Urgent(Request("high", 64 * 7 + 1, 64), 2)).ok());
  for (int step = 0; step < 40; ++step) Step();
  ASSERT_TRUE(scheduler_.Submit(Request("low", 64 * 7 + 1, 64)).ok());
  Step();
  ASSERT_EQ(pool_.free_blocks(), 7);
  ASSERT_TRUE(scheduler_.Submit(Urgent(Salted(Request("between", 64 * 7, 64), "other"), 1)).ok());
  EXPECT_TRUE(scheduler_.Admit(kNow).empty());
  EXPECT_EQ(scheduler_.preemptions(), 0);
  EXPECT_EQ(scheduler_.running(), 2);
}

// Of eight blocks "between" lacks one: the others are "high"'s.
TEST_F(SchedulerTest, WhoFindsMostOfItsBlocksCachedTakesTheRestFromTheLess) {
  ASSERT_TRUE(scheduler_.Submit(Urgent(Request("high", 64 * 7 + 1, 64), 2)).ok());
  for (int step = 0; step < 40; ++step) Step();
  ASSERT_TRUE(scheduler_.Submit(Salted(Request("low", 64 * 7, 64), "other")).ok());
  Step();
  ASSERT_EQ(pool_.free_blocks(), 1);
  ASSERT_TRUE(scheduler_.Submit(Urgent(Request("between", 64 * 7 + 40, 64), 1)).ok());
  const auto admitted = scheduler_.Admit(kNow);
  ASSERT_EQ(admitted.size(), 1u);
  EXPECT_EQ(admitted[0]->request.key, "between");
  EXPECT_EQ(admitted[0]->computed, 64 * 7);
  EXPECT_EQ(scheduler_.preemptions(), 1);
}

TEST_F(SchedulerTest, WarmPrefixIsSharedUnderItsSaltOnly) {
  const auto rows_of = [&](SequenceRequest request) {
    EXPECT_TRUE(scheduler_.Submit(std::move(request)).ok());
    int64_t rows = 0;
    int64_t cached = 0;
    while (scheduler_.running() + scheduler_.waiting() > 0) rows += Step().tokens;
    for (const auto& sequence : scheduler_.TakeEnded()) cached = sequence->cached_tokens;
    EXPECT_EQ(rows + cached, 200);
    return cached;
  };
  EXPECT_EQ(rows_of(Salted(Request("cold", 200, 1), "x")), 0);
  EXPECT_EQ(rows_of(Salted(Request("warm", 200, 1), "x")), 192);
  EXPECT_EQ(rows_of(Salted(Request("other", 200, 1), "y")), 0);
  SequenceRequest differs = Salted(Request("differs", 200, 1), "x");
  differs.tokens[70] = 8;
  EXPECT_EQ(rows_of(differs), 64);
  EXPECT_EQ(pool_.free_blocks(), pool_.total_blocks());
}

TEST_F(SchedulerTest, TheLastTokenIsAlwaysComputed) {
  ASSERT_TRUE(scheduler_.Submit(Request("cold", 128, 1)).ok());
  while (scheduler_.running() + scheduler_.waiting() > 0) Step();
  ASSERT_TRUE(scheduler_.Submit(Request("warm", 128, 1)).ok());
  EXPECT_EQ(scheduler_.Admit(kNow).at(0)->computed, 64);
}

TEST_F(SchedulerTest, DraftsAreVerifiedAndDroppedWhenWrong) {
  ASSERT_TRUE(scheduler_.Submit(Request("a", 4, 50)).ok());
  scheduler_.Admit(kNow);
  StepPlan plan = scheduler_.PlanStep();
  scheduler_.CompleteStep(plan, {{.tokens = {5}, .draft = 6}});
  plan = scheduler_.PlanStep();
  ASSERT_EQ(plan.tokens, 2);
  EXPECT_EQ(plan.rows[0].logits, 2);
  scheduler_.CompleteStep(plan, {{.tokens = {6, 7}, .draft = 8}});
  EXPECT_EQ(plan.rows[0].sequence->computed, 6);
  plan = scheduler_.PlanStep();
  scheduler_.CompleteStep(plan, {{.tokens = {9}, .draft = -1}});
  EXPECT_EQ(plan.rows[0].sequence->request.tokens, (std::vector<int32_t>{7, 7, 7, 7, 5, 6, 7, 9}));
  EXPECT_EQ(plan.rows[0].sequence->computed, 7);
  EXPECT_EQ(scheduler_.PlanStep().tokens, 1);
}

TEST_F(SchedulerTest, NewerAttemptEndsTheOlderAndLateOnesAreRefused) {
  SequenceRequest request = Request("a", 4, 50);
  request.attempt = 1;
  ASSERT_TRUE(scheduler_.Submit(request).ok());
  Step();
  request.attempt = 2;
  ASSERT_TRUE(scheduler_.Submit(request).ok());
  request.attempt = 1;
  EXPECT_EQ(scheduler_.Submit(request).status().code(), absl::StatusCode::kAborted);
  Step();
  const auto ended = scheduler_.TakeEnded();
  ASSERT_EQ(ended.size(), 1u);
  EXPECT_EQ(ended[0]->end_status.code(), absl::StatusCode::kAborted);
  EXPECT_EQ(scheduler_.running(), 1);
}

TEST_F(SchedulerTest, CancelAndDeadlineFreeBlocksBeforeTheNextStep) {
  const SequenceId id = scheduler_.Submit(Request("a", 20, 50)).value();
  SequenceRequest late = Request("b", 20, 50);
  late.deadline = kNow + absl::Seconds(1);
  ASSERT_TRUE(scheduler_.Submit(late).ok());
  Step();
  scheduler_.Cancel(id, absl::CancelledError("gone"));
  EXPECT_EQ(scheduler_.PlanStep().rows.size(), 1u);
  scheduler_.Admit(kNow + absl::Seconds(1));
  EXPECT_TRUE(scheduler_.PlanStep().rows.empty());
  EXPECT_EQ(pool_.free_blocks(), pool_.total_blocks());
  const auto ended = scheduler_.TakeEnded();
  ASSERT_EQ(ended.size(), 2u);
  EXPECT_EQ(ended[0]->end_status.code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(ended[1]->end_status.code(), absl::StatusCode::kDeadlineExceeded);
}

TEST_F(SchedulerTest, RemotelyFilledSequenceComputesItsLastPositionOnly) {
  ASSERT_TRUE(scheduler_.Submit(Request("a", 100, 5)).ok());
  Sequence* sequence = scheduler_.Admit(kNow).at(0);
  scheduler_.StartRemotePrefill(sequence);
  EXPECT_TRUE(scheduler_.PlanStep().rows.empty());
  scheduler_.FinishRemotePrefill(sequence->id, true);
  const StepPlan plan = scheduler_.PlanStep();
  ASSERT_EQ(plan.rows.size(), 1u);
  EXPECT_EQ(plan.rows[0].first, 99);
  EXPECT_EQ(plan.rows[0].count, 1);
  EXPECT_EQ(plan.rows[0].logits, 1);
}

TEST_F(SchedulerTest, FailedRemoteFillStartsOver) {
  ASSERT_TRUE(scheduler_.Submit(Request("a", 100, 5)).ok());
  Sequence* sequence = scheduler_.Admit(kNow).at(0);
  scheduler_.StartRemotePrefill(sequence);
  scheduler_.FinishRemotePrefill(sequence->id, false);
  EXPECT_EQ(scheduler_.PlanStep().rows.at(0).first, 0);
}

TEST_F(SchedulerTest, ResumedSequenceThatHadEndedEndsWithoutAStep) {
  SequenceRequest request = Request("a", 4, 5);
  request.tokens.push_back(1);
  ASSERT_TRUE(scheduler_.Submit(request).ok());
  EXPECT_TRUE(scheduler_.Admit(kNow).empty());
  const auto ended = scheduler_.TakeEnded();
  ASSERT_EQ(ended.size(), 1u);
  EXPECT_TRUE(ended[0]->end_status.ok());
  EXPECT_EQ(ended[0]->end_reason, StopReason::kStop);
}

TEST_F(SchedulerTest, ASequenceThatNoTokenMayFollowIsItsRequestsFault) {
  ASSERT_TRUE(scheduler_.Submit(Request("a", 4, 50)).ok());
  scheduler_.Admit(kNow);
  const StepPlan plan = scheduler_.PlanStep();
  scheduler_.CompleteStep(plan, Sampled(plan, -1));
  const auto ended = scheduler_.TakeEnded();
  ASSERT_EQ(ended.size(), 1u);
  EXPECT_EQ(ended[0]->end_status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(pool_.free_blocks(), pool_.total_blocks());
}

TEST_F(SchedulerTest, PausedSequenceKeepsItsPlaceButGetsNoRow) {
  SequenceRequest request = Request("a", 4, 50);
  auto observer = std::static_pointer_cast<Observer>(request.observer);
  ASSERT_TRUE(scheduler_.Submit(std::move(request)).ok());
  Step();
  observer->writable = false;
  EXPECT_TRUE(scheduler_.PlanStep().rows.empty());
  observer->writable = true;
  EXPECT_EQ(scheduler_.PlanStep().rows.size(), 1u);
}

// Whoever's client does not read has no claim on the pool, however early it came, and is not in the others' way while it waits.
TEST_F(SchedulerTest, PausedSequenceGivesWayToAnybodyAndGoesOnLater) {
  SequenceRequest paused = Salted(Request("paused", 64 * 7, 300), "paused");
  auto observer = std::static_pointer_cast<Observer>(paused.observer);
  ASSERT_TRUE(scheduler_.Submit(std::move(paused)).ok());
  while (pool_.free_blocks() > 7) Step();
  observer->writable = false;
  ASSERT_TRUE(scheduler_.Submit(Salted(Request("later", 64 * 7, 100), "later")).ok());
  std::vector<std::string> ended;
  for (int step = 0; step < 800 && ended.size() < 2; ++step) {
    if (!ended.empty()) observer->writable = true;
    Step();
    for (const auto& sequence : scheduler_.TakeEnded()) {
      EXPECT_TRUE(sequence->end_status.ok());
      ended.push_back(sequence->request.key);
    }
  }
  EXPECT_EQ(ended, (std::vector<std::string>{"later", "paused"}));
  EXPECT_EQ(scheduler_.preemptions(), 1);
  EXPECT_EQ(pool_.free_blocks(), pool_.total_blocks());
}

// Random arrivals, cancels, failures and remote fills, and clients that stop reading at any moment; what must always hold is checked at
// each step.
class SchedulerProperties : public testing::TestWithParam<int> {};

// Reads when it likes, also within the planning of a step.
struct MoodyObserver final : SequenceObserver {
  explicit MoodyObserver(std::mt19937* random_in) : random(random_in) {}
  bool Writable() const override { return (*random)() % 3 > 0; }
  void OnFinished(const absl::Status& status, StopReason reason) override {}
  std::mt19937* const random;
};

struct Model {
  explicit Model(int seed) : random(static_cast<uint32_t>(seed)), pool(kShape, PoolBytes(12)), scheduler(limits, &pool) {}

  int64_t Draw(int64_t low, int64_t high) { return std::uniform_int_distribution<int64_t>(low, high)(random); }

  void Arrive() {
    const std::string key = absl::StrCat("k", ++arrivals);
    SequenceRequest request = Draw(0, 3) == 0 ? FillRequest(key, Draw(1, 200)) : Request(key, Draw(1, 200), Draw(1, 300));
    request.priority = static_cast<int32_t>(Draw(-1, 1));
    request.arrival = kNow + absl::Seconds(arrivals);
    if (request.generates && Draw(0, 2) == 0) request.observer = std::make_shared<MoodyObserver>(&random);
    if (Draw(0, 1) == 0) request.cache_salt = key;
    if (auto id = scheduler.Submit(std::move(request)); id.ok()) live.insert(*id);
  }

  void CheckPlan(const StepPlan& plan) {
    int64_t tokens = 0;
    std::set<const Sequence*> seen;
    for (const StepRow& row : plan.rows) {
      tokens += row.count;
      EXPECT_TRUE(seen.insert(row.sequence).second);
      EXPECT_GE(row.count, 1);
      EXPECT_EQ(row.first, row.sequence->computed);
      EXPECT_LE(row.first + row.count, static_cast<int64_t>(row.sequence->blocks.size()) * 64);
      EXPECT_NE(row.sequence->state, SequenceState::kWaiting);
      EXPECT_FALSE(cancelled.contains(row.sequence->id)) << "a cancelled sequence is in the next step";
      EXPECT_LE(row.count, row.sequence->state == SequenceState::kPrefill ? limits.prefill_chunk : row.sequence->draft >= 0 ? 2 : 1);
    }
    EXPECT_EQ(tokens, plan.tokens);
    EXPECT_LE(tokens, limits.max_batch_tokens);
    EXPECT_LE(scheduler.running(), limits.max_running);
  }

  void Finish() {
    for (const auto& sequence : scheduler.TakeEnded()) {
      EXPECT_EQ(live.erase(sequence->id), 1u);
      EXPECT_TRUE(sequence->blocks.empty());
      if (sequence->end_status.ok()) ++completed;
    }
  }

  void Step() {
    for (Sequence* sequence : scheduler.Admit(kNow)) {
      if (!sequence->request.generates || Draw(0, 2) != 0) continue;
      scheduler.StartRemotePrefill(sequence);
      remote.push_back(sequence->id);
    }
    Finish();
    if (!remote.empty() && Draw(0, 1) == 0) {
      scheduler.FinishRemotePrefill(remote.back(), Draw(0, 1) == 0);
      remote.pop_back();
    }
    const StepPlan plan = scheduler.PlanStep();
    CheckPlan(plan);
    const int64_t outcome = Draw(0, 19);
    if (outcome == 0) {
      scheduler.FailStep(plan, absl::InternalError("fault"));
    } else if (outcome > 2) {  // 1 and 2: the step is tried again.
      std::vector<RowResult> results = Sampled(plan, Draw(0, 200) == 0 ? 1 : 5);
      for (size_t i = 0; i < results.size(); ++i) {
        if (plan.rows[i].logits == 2 && results[i].tokens[0] != 1 && Draw(0, 1) == 0) results[i].tokens.push_back(5);
        if (plan.rows[i].logits > 0 && plan.rows[i].sequence->request.stop.max_tokens > plan.rows[i].sequence->generated() + 3) {
          results[i].draft = static_cast<int32_t>(Draw(-1, 0));
        }
      }
      scheduler.CompleteStep(plan, results);
    }
    Finish();
  }

  const SchedulerLimits limits = {
      .max_batch_tokens = 48, .prefill_chunk = 20, .max_running = 6, .max_waiting = 8, .max_waiting_tokens = 900};
  std::mt19937 random;
  BlockPool pool;
  Scheduler scheduler;
  std::set<SequenceId> live;
  std::set<SequenceId> cancelled;
  std::vector<SequenceId> remote;
  int64_t arrivals = 0;
  int64_t completed = 0;
};

TEST_P(SchedulerProperties, BudgetBlocksAndProgress) {
  Model model(GetParam());
  for (int step = 0; step < 600; ++step) {
    if (model.Draw(0, 2) == 0) model.Arrive();
    if (!model.live.empty() && model.Draw(0, 19) == 0) {
      const SequenceId id = *std::next(model.live.begin(), model.Draw(0, static_cast<int64_t>(model.live.size()) - 1));
      model.scheduler.Cancel(id, absl::CancelledError("by the test"));
      model.cancelled.insert(id);
    }
    model.Step();
  }
  // Without arrivals everything ends: nobody starves.
  for (int step = 0; step < 6000 && !model.live.empty(); ++step) model.Step();
  EXPECT_TRUE(model.live.empty());
  EXPECT_GT(model.completed, 20);
  EXPECT_GT(model.scheduler.preemptions(), 0);
  EXPECT_EQ(model.scheduler.waiting_tokens(), 0);
  EXPECT_EQ(model.pool.free_blocks(), model.pool.total_blocks());
}

INSTANTIATE_TEST_SUITE_P(Seeds, SchedulerProperties, testing::Range(0, 20));

}  // namespace
}  // namespace baleen
