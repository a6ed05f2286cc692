// How long requests wait for workers that are not there.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "services/gateway/generation/admitted_generation.h"
#include "services/gateway/generation/generation.h"
#include "services/gateway/generation/generation_fixture.h"

namespace baleen {
namespace {

constexpr absl::Duration kPatience = absl::Seconds(20);

// Workers that take every request and then do nothing.
class ParkingDialer final : public DecodeDialer {
 public:
  std::shared_ptr<DecodeStream> Open(const std::string& address, v1::StartSequence, DecodeCallbacks callbacks) override {
    v1::DecodeEvent accepted;
    accepted.mutable_accepted();
    callbacks.on_event(accepted);
    addresses.push_back(address);
    return last = std::make_shared<Stream>(std::move(callbacks));
  }

  struct Stream final : DecodeStream {
    explicit Stream(DecodeCallbacks callbacks_in) : callbacks(std::move(callbacks_in)) {}
    void Cancel() override { std::exchange(callbacks, {}).on_done(absl::CancelledError("by the gateway")); }
    void Detach() override {}
    DecodeCallbacks callbacks;
  };

  std::vector<std::string> addresses;
  std::shared_ptr<Stream> last;
};

TEST_F(GenerationTest, ASequenceCountsAtItsWorkerUntilItsStreamEnds) {
  ParkingDialer dialer;
  Collector collector;
  const std::shared_ptr<Generation> first = StartGeneration(Context(dialer), Input(), collector.Sink());
  for (int i = 0; i < 2; ++i) StartGeneration(Context(dialer), Input(), collector.Sink())->Cancel();
  first->Cancel();
  for (int i = 0; i < 2; ++i) StartGeneration(Context(dialer), Input(), collector.Sink())->Cancel();
  EXPECT_EQ(dialer.addresses, std::vector<std::string>({"decode-a:1", "decode-b:1", "decode-b:1", "decode-a:1", "decode-b:1"}));
}

TEST_F(GenerationTest, WithoutWorkersARequestWaitsAndIsRefusedInTheEnd) {
  SetWorkers({});
  ScriptedDialer dialer(Answer("abc"));
  ManualTime time;
  Collector collector;
  StartGeneration(Context(dialer, &time), Input(), collector.Sink());
  const absl::Time begun = time.Now();
  RunUntilLast(time, collector);
  EXPECT_EQ(collector.last.status.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(time.Now() - begun, kPatience);
  EXPECT_TRUE(dialer.starts.empty());
}

TEST_F(GenerationTest, WithoutWorkersWaitingForATurnCounts) {
  SetWorkers({});
  ScriptedDialer dialer(Answer("abc"));
  ManualTime time;
  Collector collector;
  const absl::Time begun = time.Now();
  time.Sleep(absl::Seconds(15));
  StartAttempts(Context(dialer, &time), Input(), begun, collector.Sink());
  RunUntilLast(time, collector);
  EXPECT_EQ(collector.last.status.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(time.Now() - begun, kPatience);
}

TEST_F(GenerationTest, ARequestThatAWorkerParksIsRefusedOnceNoWorkerIsReady) {
  ManualTime time;
  WorkerPicker picker(&time);
  picker.UpdateMap(MapOf({"decode-a"}));
  ParkingDialer dialer;
  Collector collector;
  const auto generation = StartGeneration(Context(dialer, &time, &picker), Input(), collector.Sink());
  // While a worker is ready its prompt may take as long as it takes.
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(time.RunNext());
  EXPECT_FALSE(collector.last.last());
  time.Sleep(absl::Seconds(3));
  picker.UpdateMap(MapOf({}));
  const absl::Time lost = time.Now();
  RunUntilLast(time, collector);
  EXPECT_EQ(collector.last.status.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(time.Now() - lost, kPatience);
  EXPECT_EQ(dialer.addresses.size(), 1u);
}

TEST_F(GenerationTest, ARequestWhoseWorkerDiedIsRefusedWhenNoneComes) {
  ManualTime time;
  ParkingDialer dialer;
  Collector collector;
  const auto generation = StartGeneration(Context(dialer, &time), Input(), collector.Sink());
  SetWorkers({});
  const absl::Time lost = time.Now();
  std::exchange(dialer.last->callbacks, {}).on_done(absl::UnavailableError("gone"));
  RunUntilLast(time, collector);
  EXPECT_EQ(collector.last.status.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(time.Now() - lost, kPatience);
}

TEST_F(GenerationTest, WithoutWorkersADeadlineEndsARequestEarlier) {
  SetWorkers({});
  ScriptedDialer dialer(Answer("abc"));
  ManualTime time;
  GenerationInput input = Input();
  input.deadline = time.Now() + absl::Seconds(3);
  Collector collector;
  StartGeneration(Context(dialer, &time), std::move(input), collector.Sink());
  while (time.RunNext()) {
  }
  EXPECT_EQ(collector.last.status.code(), absl::StatusCode::kDeadlineExceeded);
}

TEST_F(GenerationTest, ARequestStartsWhenAWorkerComes) {
  SetWorkers({});
  ScriptedDialer dialer(Answer("</think>\n\nabc"));
  ManualTime time;
  Collector collector;
  StartGeneration(Context(dialer, &time), Input(), collector.Sink());
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(time.RunNext());
  SetWorkers({"decode-a"});
  while (time.RunNext()) {
  }
  EXPECT_EQ(collector.text, "abc");
}

}  // namespace
}  // namespace baleen
