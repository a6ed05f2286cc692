// Clients that stop reading, and go on, while their sequences are started.
#include <gtest/gtest.h>

#include <condition_variable>
#include <memory>
#include <mutex>
#include <utility>

#include "services/gateway/admission/admission.h"
#include "services/gateway/generation/choices.h"
#include "services/gateway/generation/generation.h"
#include "services/gateway/generation/generation_fixture.h"
#include "services/gateway/guardrail/guard.h"

namespace baleen {
namespace {

// A worker that takes every request and then does nothing.
class PausingDialer final : public DecodeDialer {
 public:
  struct Stream final : DecodeStream {
    void Cancel() override {}
    void Pause(bool paused_in) override {
      // As if its thread had been held up right here.
      if (const auto meanwhile = std::exchange(before_pause, nullptr)) meanwhile();
      const std::lock_guard<std::mutex> lock(mutex);
      paused = paused_in;
      ++calls;
      changed.notify_all();
    }
    // Whether the stream is paused once it has been told so many times.
    bool PausedAfter(int times) {
      std::unique_lock<std::mutex> lock(mutex);
      EXPECT_TRUE(changed.wait_for(lock, std::chrono::seconds(10), [&] { return calls >= times; }));
      return paused;
    }

    std::function<void()> before_pause;
    std::mutex mutex;
    std::condition_variable changed;
    bool paused = false;
    int calls = 0;
  };

  std::shared_ptr<DecodeStream> Open(const std::string&, v1::StartSequence, DecodeCallbacks) override { return stream; }

  const std::shared_ptr<Stream> stream = std::make_shared<Stream>();
};

// Passes a prompt when the test says so.
class HoldingGuard final : public Guard {
 public:
  struct Session final : GuardSession {
    void CheckPrompt(PrivateText, GuardDone asked) override { done = std::move(asked); }
    void CheckOutput(GuardPiece, GuardDone) override {}
    void Cancel() override {}
    GuardDone done;
  };
  std::shared_ptr<GuardSession> Open(const std::string&) override { return session; }

  const std::shared_ptr<Session> session = std::make_shared<Session>();
};

// One call that the client was overtaken in, its own, and the one that sets it right.
constexpr int kCalls = 3;

TEST_F(GenerationTest, AClientThatReadsOnWhileItsTurnComesIsHeard) {
  PausingDialer dialer;
  Collector collector;
  AdmissionLimits limits;
  limits.running.tokens = 200;
  Admission admission(limits, Clock::Real(), nullptr);  // Last: its thread uses the others until it is joined.
  const uint64_t before = admission.NewTicket();
  admission.Enter(before, {"", 200, absl::InfiniteFuture(), false}, [](absl::Status) {});
  GenerationContext context = Context(dialer);
  context.admission = &admission;
  const auto generation = StartGeneration(context, Input(), collector.Sink());
  generation->Pause(true);
  dialer.stream->before_pause = [&] { generation->Pause(false); };
  admission.Leave(before);
  EXPECT_FALSE(dialer.stream->PausedAfter(kCalls));
  generation->Cancel();
}

TEST_F(GenerationTest, AClientThatReadsOnWhileItsPromptPassesIsHeard) {
  PausingDialer dialer;
  Collector collector;
  HoldingGuard guard;
  GenerationContext context = Context(dialer);
  context.guard = &guard;
  const auto generation = StartChoices(
      context, Input(), [](GenerationSink sink) { return sink; }, collector.Sink());
  generation->Pause(true);
  dialer.stream->before_pause = [&] { generation->Pause(false); };
  std::exchange(guard.session->done, nullptr)({});
  EXPECT_FALSE(dialer.stream->PausedAfter(kCalls));
  generation->Cancel();
}

// A resumed request of so many tokens.
constexpr size_t kKnownTokens = 5000;

TEST_F(GenerationTest, AClientThatDoesNotReadIsNotToldAWholeAnswerAgain) {
  PausingDialer dialer;
  Collector collector;
  ManualTime time;
  GenerationInput input = Input();
  input.resume[0] = GenerationResume{1, std::vector<int32_t>(kKnownTokens, 7), "n1"};
  const auto generation = StartGeneration(Context(dialer, &time), std::move(input), collector.Sink());
  generation->Pause(true);
  const size_t told = collector.tokens.size();
  EXPECT_GT(told, 0u);
  EXPECT_LT(told, kKnownTokens / 10);
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(time.RunNext());
  EXPECT_EQ(collector.tokens.size(), told);
  generation->Pause(false);
  while (time.RunNext()) {
  }
  EXPECT_EQ(collector.tokens, std::vector<int32_t>(kKnownTokens, 7));
  EXPECT_FALSE(collector.last.last());
  generation->Cancel();
}

TEST_F(GenerationTest, AClientThatNeverReadsWhatItHadEndsAtItsDeadline) {
  PausingDialer dialer;
  Collector collector;
  ManualTime time;
  GenerationInput input = Input();
  input.deadline = time.Now() + absl::Seconds(10);
  input.resume[0] = GenerationResume{1, std::vector<int32_t>(kKnownTokens, 7), "n1"};
  const auto generation = StartGeneration(Context(dialer, &time), std::move(input), collector.Sink());
  generation->Pause(true);
  RunUntilLast(time, collector);
  EXPECT_EQ(collector.last.status.code(), absl::StatusCode::kDeadlineExceeded);
}

}  // namespace
}  // namespace baleen
