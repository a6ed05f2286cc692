#include "services/gateway/generation/generation.h"

#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "services/gateway/admission/admission.h"
#include "services/gateway/generation/generation_fixture.h"
#include "services/gateway/resume/recall_client.h"

namespace baleen {
namespace {

// Only workers at `living` answer.
class FakeRecaller final : public RecallClient {
 public:
  explicit FakeRecaller(std::set<std::string> living) : living_(std::move(living)) {}
  void Recall(const std::string& address, const v1::RecallRequest& request, absl::Time, RecallDone done) override {
    asked.push_back(address);
    EXPECT_EQ(request.request_id(), "");
    living_.count(address) > 0 ? done(v1::RecallReply()) : done(absl::UnavailableError("connection refused"));
  }

  std::vector<std::string> asked;

 private:
  const std::set<std::string> living_;
};

TEST_F(GenerationTest, SplitsReasoningFromTheAnswer) {
  ScriptedDialer dialer(Answer("think\n</think>\n\nanswer"));
  Collector collector;
  StartGeneration(Context(dialer), Input(), collector.Sink());
  ASSERT_TRUE(collector.Wait());
  EXPECT_TRUE(collector.last.status.ok()) << collector.last.status;
  EXPECT_EQ(collector.reasoning, "think");
  EXPECT_EQ(collector.text, "answer");
  EXPECT_EQ(collector.last.finish, Finish::kStop);
  EXPECT_EQ(collector.last.numerics_id, "n1");
  EXPECT_EQ(collector.last.usage.prompt_tokens, 3);
  EXPECT_EQ(collector.last.usage.completion_tokens, static_cast<int64_t>(Answer("think\n</think>\n\nanswer").size()));
  EXPECT_GT(collector.last.usage.reasoning_tokens, 0);
}

TEST_F(GenerationTest, GoesOnElsewhereWithTheVeryNextToken) {
  const std::vector<int32_t> answer = Answer("a\n</think>\n\none two three");
  ScriptedDialer dialer(answer,
                        {{4, absl::UnavailableError("died")}, {0, absl::UnavailableError("died")}, {3, absl::InternalError("died")}});
  Collector collector;
  StartGeneration(Context(dialer), Input(), collector.Sink());
  ASSERT_TRUE(collector.Wait());
  EXPECT_TRUE(collector.last.status.ok()) << collector.last.status;
  EXPECT_EQ(collector.tokens, answer);
  EXPECT_EQ(collector.text, "one two three");
  ASSERT_EQ(dialer.starts.size(), 4u);
  EXPECT_EQ(dialer.starts[0].generated_size(), 0);
  EXPECT_EQ(dialer.starts[1].generated_size(), 4);
  EXPECT_EQ(dialer.starts[3].generated_size(), 7);
  for (size_t i = 0; i < dialer.starts.size(); ++i) {
    EXPECT_EQ(dialer.starts[i].context().attempt(), i + 1);
    EXPECT_EQ(dialer.starts[i].sampling().seed(), 5u);
  }
  EXPECT_NE(dialer.addresses[0], dialer.addresses[1]);
}

TEST_F(GenerationTest, ASequenceGoesOnAtItsStandby) {
  const std::vector<std::string> workers = {"decode-a", "decode-b", "decode-c"};
  const GenerationInput input = Input();
  const StandbyKey key = {.request_id = input.request_id, .choice = 0, .worker_id = "decode-a", .numerics_id = "n1"};
  const std::string standby = StandbyOf(*MapOf(workers), key)->info().worker_id();
  const std::string other = standby == "decode-b" ? "decode-c" : "decode-b";
  SetWorkers(workers, {{standby, 9}, {other, 1}});
  for (const bool accepted : {true, false}) {  // Who was not taken in has left nothing behind.
    ScriptedDialer dialer(Answer("</think>\n\nabc"), {{0, absl::UnavailableError("died"), accepted}});
    ManualTime time;
    Collector collector;
    StartGeneration(Context(dialer, &time), input, collector.Sink());
    while (time.RunNext()) {
    }
    EXPECT_EQ(dialer.addresses, std::vector<std::string>({"decode-a:1", (accepted ? standby : other) + ":1"}));
    EXPECT_EQ(collector.text, "abc");
  }
}

TEST_F(GenerationTest, TheWorkerThatFailedLastIsTakenLast) {
  const absl::Status died = absl::UnavailableError("died");
  for (const size_t tokens : {0, 1}) {
    SetWorkers({"decode-a", "decode-b"}, {{"decode-b", 9}});
    ScriptedDialer dialer(Answer("</think>\n\nabc"), {{0, died, false}, {tokens, died, tokens > 0}});
    ManualTime time;
    Collector collector;
    StartGeneration(Context(dialer, &time), Input(), collector.Sink());
    // The one that is to fail now looks idle.
    SetWorkers({"decode-a", "decode-b"}, {{"decode-a", 9}});
    while (time.RunNext()) {
    }
    EXPECT_EQ(dialer.addresses, std::vector<std::string>({"decode-a:1", "decode-b:1", "decode-a:1"}));
    EXPECT_EQ(collector.text, "abc");
  }
}

TEST_F(GenerationTest, APoisonRequestIsGivenUpOnceTwoWorkersAreGone) {
  SetWorkers({"decode-a", "decode-b", "decode-c"});
  const absl::Status died = absl::UnavailableError("died");
  ScriptedDialer dialer(Answer("abc"), {{0, died}, {0, died}, {0, died}});
  FakeRecaller recaller({});
  ManualTime time;
  GenerationContext context = Context(dialer, &time);
  context.recaller = &recaller;
  Collector collector;
  StartGeneration(context, Input(), collector.Sink());
  while (recaller.asked.size() < 4) ASSERT_TRUE(time.RunNext());
  EXPECT_TRUE(collector.last.status.ok()) << "the map still has them";
  SetWorkers({"decode-c"});
  while (time.RunNext()) {
  }
  EXPECT_EQ(collector.last.status.code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(dialer.starts.size(), 2u);
  EXPECT_EQ(quarantine_.size(), 0u);
}

TEST_F(GenerationTest, WhoOnlyWaitedAtWorkersThatDiedIsNoPoison) {
  const absl::Status died = absl::UnavailableError("died");
  ScriptedDialer dialer(Answer("</think>\n\nabc"), {{0, died, true, false}, {0, died, true, false}, {0, died}, {0, died, true, false}});
  ManualTime time;
  Collector collector;
  StartGeneration(Context(dialer, &time), Input(), collector.Sink());
  SetWorkers({"decode-c"});  // Those two are gone.
  RunUntilLast(time, collector);
  EXPECT_TRUE(collector.last.status.ok()) << collector.last.status;
  EXPECT_EQ(collector.text, "abc");
  EXPECT_EQ(quarantine_.size(), 0u);
}

TEST_F(GenerationTest, WorkersThatLeaveUnderALongPromptAreNoPoison) {
  const absl::Status died = absl::UnavailableError("died");
  const absl::Status leaves = absl::FailedPreconditionError("the worker is shutting down");
  const std::vector<std::vector<absl::Status>> harmless = {{leaves, leaves, leaves}, {died, leaves, leaves}, {leaves, leaves, died}};
  const std::vector<std::vector<absl::Status>> poison = {{died, leaves, died}, {leaves, died, died}, {died, died}};
  const auto run = [&](const std::vector<absl::Status>& ends) {
    std::vector<ScriptedDialer::Attempt> attempts;
    for (const absl::Status& end : ends) attempts.push_back({0, end});
    ScriptedDialer dialer(Answer("</think>\n\nabc"), attempts);
    std::vector<std::string> left = {"decode-a", "decode-b", "decode-c", "decode-d"};
    SetWorkers(left);
    ManualTime time;
    Collector collector;
    StartGeneration(Context(dialer, &time), Input(), collector.Sink());
    while (dialer.starts.size() < ends.size() && time.RunNext()) {
    }
    for (const std::string& address : dialer.addresses) std::erase(left, address.substr(0, address.find(':')));
    SetWorkers(left);  // Who has left is out of the map as the dead are.
    RunUntilLast(time, collector);
    EXPECT_EQ(quarantine_.size(), 0u);
    return collector.last.status.code();
  };
  for (const auto& ends : harmless) EXPECT_EQ(run(ends), absl::StatusCode::kOk);
  for (const auto& ends : poison) EXPECT_EQ(run(ends), absl::StatusCode::kDataLoss);
}

TEST_F(GenerationTest, BrokenConnectionsToALivingWorkerAreNoPoison) {
  SetWorkers({"decode-a", "decode-b", "decode-c"});
  const absl::Status reset = absl::UnavailableError("connection reset");
  ScriptedDialer dialer(Answer("</think>\n\nabc"), {{0, reset}, {0, reset}});
  FakeRecaller recaller({"decode-b:1"});
  ManualTime time;
  GenerationContext context = Context(dialer, &time);
  context.recaller = &recaller;
  const absl::Time begun = time.Now();
  Collector collector;
  StartGeneration(context, Input(), collector.Sink());
  RunUntilLast(time, collector);
  EXPECT_TRUE(collector.last.status.ok()) << collector.last.status;
  EXPECT_EQ(collector.text, "abc");
  EXPECT_EQ(recaller.asked, std::vector<std::string>({"decode-a:1", "decode-b:1"}));
  EXPECT_LT(time.Now() - begun, absl::Seconds(1));
}

TEST_F(GenerationTest, AWorkerThatLivesAndMadeTokensDoesNotSpeakForARequestThatKillsOthers) {
  SetWorkers({"decode-a", "decode-b", "decode-c"});
  const absl::Status died = absl::UnavailableError("died");
  ScriptedDialer dialer(Answer("abcdef"), {{1, died}, {0, died}, {0, died}});
  FakeRecaller recaller({"decode-a:1"});
  ManualTime time;
  GenerationContext context = Context(dialer, &time);
  context.recaller = &recaller;
  Collector collector;
  StartGeneration(context, Input(), collector.Sink());
  while (recaller.asked.empty()) ASSERT_TRUE(time.RunNext());
  SetWorkers({"decode-a"});
  while (time.RunNext()) {
  }
  EXPECT_EQ(collector.last.status.code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(dialer.starts.size(), 3u);
}

TEST_F(GenerationTest, SilentWorkersThatStayInTheMapAreNoPoison) {
  SetWorkers({"decode-a", "decode-b", "decode-c"});
  const absl::Status silent = absl::UnavailableError("keepalive watchdog timeout");
  ScriptedDialer dialer(Answer("</think>\n\nabc"), {{0, silent}, {0, silent}});
  ManualTime time;
  Collector collector;
  StartGeneration(Context(dialer, &time), Input(), collector.Sink());
  while (time.RunNext()) {
  }
  EXPECT_TRUE(collector.last.status.ok()) << collector.last.status;
  EXPECT_EQ(collector.text, "abc");
}

TEST_F(GenerationTest, ARequestThatIsCancelledIsJudgedNoFurther) {
  const absl::Status died = absl::UnavailableError("died");
  ScriptedDialer dialer(Answer("abc"), {{0, died}, {0, died}});
  FakeRecaller recaller({});
  ManualTime time;
  GenerationContext context = Context(dialer, &time);
  context.recaller = &recaller;
  Collector collector;
  const auto generation = StartGeneration(context, Input(), collector.Sink());
  while (recaller.asked.empty()) ASSERT_TRUE(time.RunNext());
  generation->Cancel();
  while (time.RunNext()) {
  }
  EXPECT_FALSE(collector.last.last());
  EXPECT_EQ(recaller.asked.size(), 2u);
  EXPECT_EQ(quarantine_.size(), 0u);
}

TEST_F(GenerationTest, TwoChoicesThatLoseOneWorkerAreNoPoison) {
  const absl::Status died = absl::UnavailableError("died");
  ScriptedDialer dialer(Answer("</think>\n\nabc"), {{0, died}, {0, died}});
  ManualTime time;
  Collector collectors[2];
  for (uint32_t choice = 0; choice < 2; ++choice) {
    GenerationInput input = Input();
    input.choice = choice;
    StartGeneration(Context(dialer, &time), std::move(input), collectors[choice].Sink());
  }
  while (time.RunNext()) {
  }
  for (const Collector& collector : collectors) {
    EXPECT_TRUE(collector.last.status.ok()) << collector.last.status;
    EXPECT_EQ(collector.text, "abc");
  }
}

TEST_F(GenerationTest, WorkersThatNeverHadTheRequestSayNothingAboutIt) {
  const absl::Status refused = absl::UnavailableError("connection refused");
  ScriptedDialer dialer(Answer("</think>\n\nabc"), {{0, refused, false}, {0, refused, false}, {0, refused, false}});
  Collector collector;
  StartGeneration(Context(dialer), Input(), collector.Sink());
  ASSERT_TRUE(collector.Wait());
  EXPECT_TRUE(collector.last.status.ok()) << collector.last.status;
  EXPECT_EQ(collector.text, "abc");
}

TEST_F(GenerationTest, AFullWorkerIsLeftForAnotherAndAFullFleetRefuses) {
  const absl::Status full = absl::ResourceExhaustedError("full");
  ScriptedDialer one_full(Answer("</think>\n\nabc"), {{0, full, false}});
  Collector first;
  StartGeneration(Context(one_full), Input(), first.Sink());
  ASSERT_TRUE(first.Wait());
  EXPECT_EQ(first.text, "abc");
  ScriptedDialer all_full(Answer("abc"), {{0, full, false}, {0, full, false}, {0, full, false}});
  Collector second;
  StartGeneration(Context(all_full), Input(), second.Sink());
  ASSERT_TRUE(second.Wait());
  EXPECT_EQ(second.last.status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(all_full.starts.size(), 2u);
}

TEST_F(GenerationTest, WhatAWorkerHadIsNotRefusedByAFullFleet) {
  const absl::Status full = absl::ResourceExhaustedError("full");
  const absl::Status died = absl::UnavailableError("died");
  ScriptedDialer dialer(Answer("</think>\n\nabc"), {{0, full, false}, {0, died}, {0, full, false}, {0, full, false}});
  ManualTime time;
  Collector collector;
  StartGeneration(Context(dialer, &time), Input(), collector.Sink());
  RunUntilLast(time, collector);
  EXPECT_TRUE(collector.last.status.ok()) << collector.last.status;
  EXPECT_EQ(collector.text, "abc");
  EXPECT_EQ(dialer.addresses, std::vector<std::string>({"decode-a:1", "decode-b:1", "decode-a:1", "decode-b:1", "decode-a:1"}));
}

TEST_F(GenerationTest, WhatAWorkerHadIsGivenUpAsUnavailableByAFleetThatStaysFull) {
  const absl::Status full = absl::ResourceExhaustedError("full");
  std::vector<ScriptedDialer::Attempt> attempts(200, {0, full, false});
  attempts[1] = {0, absl::UnavailableError("died")};
  ScriptedDialer dialer(Answer("abc"), attempts);
  ManualTime time;
  const absl::Time begun = time.Now();
  Collector collector;
  StartGeneration(Context(dialer, &time), Input(), collector.Sink());
  RunUntilLast(time, collector);
  EXPECT_EQ(collector.last.status.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(time.Now() - begun, absl::Seconds(20));
}

TEST_F(GenerationTest, ATakenOverRequestEndsHere) {
  ScriptedDialer dialer(Answer("abcdef"), {{1, absl::AbortedError("another gateway")}});
  Collector collector;
  StartGeneration(Context(dialer), Input(), collector.Sink());
  ASSERT_TRUE(collector.Wait());
  EXPECT_EQ(collector.last.status.code(), absl::StatusCode::kAborted);
  EXPECT_EQ(dialer.starts.size(), 1u);
}

TEST_F(GenerationTest, ResumesWithTheSameEventsAndTheNextAttempt) {
  const std::vector<int32_t> answer = Answer("a\n</think>\n\none two three");
  ScriptedDialer dialer(answer);
  GenerationInput input = Input();
  input.edge = PrivateText("edge");
  input.resume[0] = GenerationResume{3, {answer.begin(), answer.begin() + 5}, "n1"};
  Collector collector;
  StartGeneration(Context(dialer), std::move(input), collector.Sink());
  ASSERT_TRUE(collector.Wait());
  EXPECT_EQ(collector.tokens, answer);
  EXPECT_EQ(collector.text, "one two three");
  EXPECT_EQ(collector.last.usage.completion_tokens, static_cast<int64_t>(answer.size()));
  ASSERT_EQ(dialer.starts.size(), 1u);
  EXPECT_GT(dialer.starts[0].context().attempt(), 1000u) << "above what another gateway may still try";
  EXPECT_EQ(collector.last.usage.failovers, 0);
  EXPECT_EQ(dialer.starts[0].context().numerics_id(), "n1");
  EXPECT_EQ(dialer.starts[0].generated_size(), 5);
  EXPECT_EQ(dialer.starts[0].edge(), "edge");
}

TEST_F(GenerationTest, OfTwoConnectionsThatResumeAtOnceEachInsistsOnce) {
  const absl::Status taken = absl::AbortedError("another gateway");
  for (const size_t times : {1, 2}) {
    ScriptedDialer dialer(Answer("</think>\n\nabc"), std::vector<ScriptedDialer::Attempt>(times, {0, taken}));
    GenerationInput input = Input();
    input.resume[0] = GenerationResume{1, {}, "n1"};
    ManualTime time;
    Collector collector;
    StartGeneration(Context(dialer, &time), std::move(input), collector.Sink());
    while (time.RunNext()) {
    }
    EXPECT_EQ(collector.last.status.code(), times == 1 ? absl::StatusCode::kOk : absl::StatusCode::kAborted);
    ASSERT_EQ(dialer.starts.size(), 2u);
    // Above what another connection that found the first one has.
    EXPECT_GT(dialer.starts[1].context().attempt(), dialer.starts[0].context().attempt() + 4096);
  }
}

TEST_F(GenerationTest, AClientThatLeavesBetweenWorkersFindsItsRequestAtTheNextOne) {
  const absl::Status died = absl::UnavailableError("died");
  for (const bool resumable : {true, false}) {
    ScriptedDialer dialer(Answer("</think>\n\nabc"), {{1, died}, {0, died, false}});
    ManualTime time;
    GenerationInput input = Input();
    if (resumable) input.edge = PrivateText("edge");
    Collector collector;
    const auto generation = StartGeneration(Context(dialer, &time), std::move(input), collector.Sink());
    generation->Detach();
    while (time.RunNext()) {
    }
    EXPECT_EQ(dialer.starts.size(), resumable ? 3u : 1u);
    EXPECT_EQ(dialer.detached(), resumable ? 1 : 0);
    EXPECT_EQ(dialer.cancelled(), 0);
    EXPECT_EQ(collector.tokens.size(), 1u) << "the client hears nothing more";
    EXPECT_EQ(quarantine_.size(), 0u);
  }
}

// Workers that take every request, and whose streams end when the test says so.
class KeepingDialer final : public DecodeDialer {
 public:
  struct Stream final : DecodeStream {
    void Cancel() override {}
    void Detach() override { detached = true; }
    std::atomic<bool> detached = false;
  };

  std::shared_ptr<DecodeStream> Open(const std::string&, v1::StartSequence, DecodeCallbacks callbacks) override {
    v1::DecodeEvent accepted;
    accepted.mutable_accepted();
    callbacks.on_event(accepted);
    end = std::move(callbacks.on_done);
    return streams.emplace_back(std::make_shared<Stream>());
  }

  std::vector<std::shared_ptr<Stream>> streams;
  std::function<void(absl::Status)> end;
};

TEST_F(GenerationTest, AClientThatLeavesAsItsWorkerDoesFindsItsRequestAgain) {
  for (int round = 0; round < 3000; ++round) {
    KeepingDialer dialer;
    ManualTime time;
    GenerationInput input = Input();
    input.edge = PrivateText("edge");
    Collector collector;
    const auto generation = StartGeneration(Context(dialer, &time), std::move(input), collector.Sink());
    ASSERT_EQ(dialer.streams.size(), 1u);
    const auto end = std::exchange(dialer.end, nullptr);
    std::atomic<int> there = 0;
    const auto meet = [&there] {
      ++there;
      while (there < 2) std::this_thread::yield();
    };
    std::thread worker([&] {
      meet();
      end(absl::FailedPreconditionError("the worker is shutting down"));
    });
    meet();
    for (int i = 0; i < round % 100; ++i) there.load();  // Now before the worker, now after it.
    generation->Detach();
    worker.join();
    while (time.RunNext()) {
    }
    ASSERT_TRUE(dialer.streams.back()->detached) << "nobody has the journal, round " << round;
  }
}

TEST_F(GenerationTest, AClientThatLeavesAWorkerThatHasGoneFindsItsRequestAtTheNextOne) {
  const std::vector<absl::Status> gone = {absl::UnavailableError("died"), absl::FailedPreconditionError("the worker is shutting down")};
  const std::vector<absl::Status> kept = {absl::CancelledError("left"), absl::OkStatus(), absl::AbortedError("another gateway has it")};
  const auto run = [&](const absl::Status& end) {
    KeepingDialer dialer;
    ManualTime time;
    GenerationInput input = Input();
    input.edge = PrivateText("edge");
    input.resume[0] = GenerationResume{1, {}, "n1"};
    Collector collector;
    const auto generation = StartGeneration(Context(dialer, &time), std::move(input), collector.Sink());
    generation->Detach();
    std::exchange(dialer.end, nullptr)(end);
    while (time.RunNext()) {
    }
    EXPECT_TRUE(dialer.streams.back()->detached);
    if (dialer.end) std::exchange(dialer.end, nullptr)(absl::CancelledError("left"));
    EXPECT_EQ(quarantine_.size(), 0u);
    EXPECT_FALSE(collector.last.last()) << "the client hears nothing more";
    return dialer.streams.size();
  };
  for (const absl::Status& end : gone) EXPECT_EQ(run(end), 2u) << end;
  for (const absl::Status& end : kept) EXPECT_EQ(run(end), 1u) << end;
}

TEST_F(GenerationTest, WaitsForItsTurnAndGivesItsPlaceBack) {
  ScriptedDialer dialer(Answer("</think>\n\nabc"));
  Collector first, second;
  AdmissionLimits limits;
  limits.running.tokens = 200;
  Admission admission(limits, Clock::Real(), nullptr);  // Last: its thread uses the others until it is joined.
  const uint64_t before = admission.NewTicket();
  admission.Enter(before, {"", 200, absl::InfiniteFuture(), false}, [](absl::Status) {});
  GenerationContext context = Context(dialer);
  context.admission = &admission;
  const auto waiting = StartGeneration(context, Input(), first.Sink());
  const auto leaving = StartGeneration(context, Input(), second.Sink());
  EXPECT_TRUE(dialer.starts.empty());
  leaving->Cancel();
  admission.Leave(before);
  ASSERT_TRUE(first.Wait());
  EXPECT_EQ(first.text, "abc");
  EXPECT_EQ(dialer.starts.size(), 1u);
  EXPECT_EQ(admission.running(), AdmissionCapacity());
}

TEST_F(GenerationTest, PassesOnWhatNoOtherWorkerCanMend) {
  for (const size_t tokens : {0, 2}) {
    ScriptedDialer dialer(Answer("abc"), {{tokens, absl::InvalidArgumentError("no token may follow")}});
    ManualTime time;
    Collector collector;
    StartGeneration(Context(dialer, &time), Input(), collector.Sink());
    EXPECT_EQ(collector.last.status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_EQ(dialer.starts.size(), 1u);
    EXPECT_EQ(quarantine_.size(), 0u);
  }
}

TEST_F(GenerationTest, CutsAtAStopString) {
  ScriptedDialer dialer(Answer("</think>\n\none two three"));
  GenerationInput input = Input();
  input.spec.stop = {" tw"};
  Collector collector;
  StartGeneration(Context(dialer), std::move(input), collector.Sink());
  ASSERT_TRUE(collector.Wait());
  EXPECT_EQ(collector.text, "one");
  EXPECT_EQ(collector.last.finish, Finish::kStop);
}

}  // namespace
}  // namespace baleen
