#include "services/attention/worker/step_loop.h"

#include <prometheus/registry.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <future>
#include <map>
#include <mutex>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "gtest/gtest.h"
#include "services/attention/probe.h"
#include "services/attention/worker/fake_step_runner.h"

namespace baleen {
namespace {

// Collects a sequence's tokens and waits for its end.
class Collector final : public SequenceObserver {
 public:
  bool Writable() const override { return reads_; }
  void OnPrefilled(int64_t prompt_tokens, int64_t cached_tokens) override {
    cached_tokens_ = cached_tokens;
    const std::lock_guard lock(mu_);
    EXPECT_TRUE(tokens_.empty());
    ++prefilled_;
  }
  void OnToken(int64_t index, const SampledToken& token) override {
    const std::lock_guard lock(mu_);
    if (tokens_.empty()) first_index_ = index;
    EXPECT_EQ(index, first_index_ + static_cast<int64_t>(tokens_.size()));
    tokens_.push_back(token.token);
    cv_.notify_all();
  }
  void OnFinished(const absl::Status& status, StopReason reason) override {
    const std::lock_guard lock(mu_);
    EXPECT_FALSE(status_.has_value());
    status_ = status;
    reason_ = reason;
    cv_.notify_all();
  }

  absl::Status Wait() {
    std::unique_lock lock(mu_);
    cv_.wait(lock, [this] { return status_.has_value(); });
    return *status_;
  }
  void WaitForTokens(size_t count) {
    std::unique_lock lock(mu_);
    cv_.wait(lock, [&] { return tokens_.size() >= count; });
  }
  std::vector<int32_t> tokens() {
    const std::lock_guard lock(mu_);
    return tokens_;
  }
  std::atomic<bool> reads_{true};
  StopReason reason_ = StopReason::kNone;
  int prefilled_ = 0;
  int64_t cached_tokens_ = 0;
  int64_t first_index_ = 0;

 private:
  std::mutex mu_;
  std::condition_variable cv_;
  std::vector<int32_t> tokens_;
  std::optional<absl::Status> status_;
};

std::vector<int32_t> Prompt(int32_t seed, int64_t length) {
  std::vector<int32_t> prompt;
  for (int64_t i = 0; i < length; ++i) prompt.push_back(static_cast<int32_t>((seed * 31 + i * 7) % 900));
  return prompt;
}

// What a standby is told.
class Standby final : public KvStandby {
 public:
  void OnPublished(const Sequence& sequence) override {
    EXPECT_GE(static_cast<int64_t>(sequence.hashes.size()), sequence.published);
    const std::lock_guard lock(mu_);
    published_[sequence.id].push_back(sequence.published);
  }
  void OnEnded(SequenceId id) override {
    const std::lock_guard lock(mu_);
    ended_.insert(id);
  }
  std::map<SequenceId, std::vector<int64_t>> published() {
    const std::lock_guard lock(mu_);
    return published_;
  }
  std::set<SequenceId> ended() {
    const std::lock_guard lock(mu_);
    return ended_;
  }

 private:
  std::mutex mu_;
  std::map<SequenceId, std::vector<int64_t>> published_;
  std::set<SequenceId> ended_;
};

// Time that only a step takes.
class StepTime final : public Clock {
 public:
  absl::Time Now() override { return absl::FromUnixMillis(ms_); }
  void Sleep(absl::Duration duration) override { ms_ += absl::ToInt64Milliseconds(duration); }

 private:
  std::atomic<int64_t> ms_{1'000'000};
};

class StepLoopTest : public testing::Test {
 protected:
  static constexpr int64_t kBlocks = 64;

  StepLoopTest() : pool_(FakeStepRunner::kShape, kBlocks * FakeStepRunner::kShape.BlockBytes()), probe_(registry_) {}

  void StartLoop(int64_t max_batch_tokens = 64, int64_t prefill_chunk = 16, Clock* clock = Clock::Real()) {
    StepLoopOptions options;
    options.limits = {.max_batch_tokens = max_batch_tokens, .prefill_chunk = prefill_chunk, .max_running = max_batch_tokens / 2};
    options.tokenizer_size = FakeStepRunner::kVocab;
    options.retry_backoff = absl::Milliseconds(1);
    loop_ = std::make_unique<StepLoop>(options, &runner_, &pool_, nullptr, &probe_, clock, &standby_);
  }

  std::pair<SequenceId, std::shared_ptr<Collector>> Submit(std::vector<int32_t> prompt, std::vector<int32_t> generated,
                                                           int64_t max_tokens) {
    SequenceRequest request = Request(std::move(prompt), std::move(generated), max_tokens);
    auto collector = std::make_shared<Collector>();
    request.observer = collector;
    return {loop_->Submit(std::move(request)).value(), collector};
  }

  SequenceRequest Request(std::vector<int32_t> prompt, const std::vector<int32_t>& generated, int64_t max_tokens) {
    SequenceRequest request;
    request.key = absl::StrCat("r", ++requests_);
    request.prompt_tokens = static_cast<int64_t>(prompt.size());
    request.tokens = std::move(prompt);
    request.tokens.insert(request.tokens.end(), generated.begin(), generated.end());
    request.stop.max_tokens = max_tokens;
    request.stop.max_positions = 4096;
    return request;
  }

  prometheus::Registry registry_;
  BlockPool pool_;
  AttentionProbe probe_;
  StepTime time_;
  FakeStepRunner runner_;
  Standby standby_;
  std::unique_ptr<StepLoop> loop_;
  int requests_ = 0;
};

TEST_F(StepLoopTest, AStandbyHearsOfEachFullBlockWhileTheSequenceRuns) {
  StartLoop();
  const auto [id, collector] = Submit(Prompt(1, 70), {}, 150);
  ASSERT_TRUE(collector->Wait().ok());
  SequenceRequest fill = Request(Prompt(2, 70), {}, 1);
  fill.generates = false;
  fill.observer = std::make_shared<Collector>();
  const SequenceId fill_id = loop_->Submit(std::move(fill)).value();
  ASSERT_TRUE(loop_->WaitIdle(absl::Minutes(1)));
  EXPECT_EQ(standby_.published(), (std::map<SequenceId, std::vector<int64_t>>{{id, {1, 2, 3}}}));
  EXPECT_EQ(standby_.ended(), (std::set<SequenceId>{id, fill_id}));
}

TEST_F(StepLoopTest, TokensDoNotDependOnTheBatchOrTheChunk) {
  for (const auto& [batch, chunk] : {std::pair{4, 2}, std::pair{64, 16}, std::pair{512, 512}}) {
    StartLoop(batch, chunk);
    std::vector<std::shared_ptr<Collector>> collectors;
    for (int32_t i = 0; i < 12; ++i) collectors.push_back(Submit(Prompt(i, 5 + 13 * i), {}, 20).second);
    for (int32_t i = 0; i < 12; ++i) {
      ASSERT_TRUE(collectors[static_cast<size_t>(i)]->Wait().ok());
      EXPECT_EQ(collectors[static_cast<size_t>(i)]->tokens(), FakeStepRunner::Continue(Prompt(i, 5 + 13 * i), 20));
      EXPECT_EQ(collectors[static_cast<size_t>(i)]->reason_, StopReason::kLength);
      EXPECT_EQ(collectors[static_cast<size_t>(i)]->prefilled_, 1);
    }
    EXPECT_TRUE(loop_->WaitIdle(absl::Seconds(5)));
    EXPECT_LE(runner_.max_rows(), batch);
    EXPECT_EQ(pool_.free_blocks(), pool_.total_blocks());
    loop_.reset();
  }
}

TEST_F(StepLoopTest, ResumeGoesOnAsIfNothingHadHappened) {
  StartLoop();
  const std::vector<int32_t> whole = FakeStepRunner::Continue(Prompt(3, 70), 30);
  for (const size_t cut : {size_t{1}, size_t{7}, size_t{29}}) {
    const auto at = whole.begin() + static_cast<std::ptrdiff_t>(cut);
    auto [id, collector] = Submit(Prompt(3, 70), {whole.begin(), at}, 30);
    ASSERT_TRUE(collector->Wait().ok());
    EXPECT_EQ(collector->tokens(), std::vector<int32_t>(at, whole.end()));
    EXPECT_EQ(collector->first_index_, static_cast<int64_t>(cut));
  }
}

TEST_F(StepLoopTest, StopsOnStopIdUnlessMinTokensBansIt) {
  StartLoop();
  const std::vector<int32_t> whole = FakeStepRunner::Continue(Prompt(5, 10), 10);
  SequenceRequest request = Request(Prompt(5, 10), {}, 10);
  request.stop.stop_ids = {whole[3]};
  auto stopped = std::make_shared<Collector>();
  request.observer = stopped;
  ASSERT_TRUE(loop_->Submit(request).ok());
  ASSERT_TRUE(stopped->Wait().ok());
  EXPECT_EQ(stopped->tokens(), std::vector<int32_t>(whole.begin(), whole.begin() + 4));
  EXPECT_EQ(stopped->reason_, StopReason::kStop);

  request = Request(Prompt(5, 10), {}, 10);
  request.stop.stop_ids = {whole[3]};
  request.stop.min_tokens = 4;
  auto banned = std::make_shared<Collector>();
  request.observer = banned;
  ASSERT_TRUE(loop_->Submit(request).ok());
  ASSERT_TRUE(banned->Wait().ok());
  ASSERT_GE(banned->tokens().size(), 4u);
  EXPECT_NE(banned->tokens()[3], whole[3]);
}

TEST_F(StepLoopTest, UnavailableExpertsDelayButChangeNothing) {
  int calls = 0;
  runner_.before_step = [&](absl::Span<const SequenceStep>) {
    return ++calls % 3 == 0 ? absl::OkStatus() : absl::UnavailableError("no replica of expert 3 in layer 1");
  };
  StartLoop();
  auto [a, first] = Submit(Prompt(1, 40), {}, 10);
  auto [b, second] = Submit(Prompt(2, 3), {}, 10);
  ASSERT_TRUE(first->Wait().ok());
  ASSERT_TRUE(second->Wait().ok());
  EXPECT_EQ(first->tokens(), FakeStepRunner::Continue(Prompt(1, 40), 10));
  EXPECT_EQ(second->tokens(), FakeStepRunner::Continue(Prompt(2, 3), 10));
}

TEST_F(StepLoopTest, ExpertsThatStayAwayEndTheSequenceAtItsDeadline) {
  runner_.before_step = [](absl::Span<const SequenceStep>) { return absl::UnavailableError("no replica of expert 3 in layer 1"); };
  StartLoop();
  SequenceRequest request = Request(Prompt(1, 40), {}, 10);
  request.deadline = Clock::Real()->Now() + absl::Milliseconds(30);
  auto collector = std::make_shared<Collector>();
  request.observer = collector;
  ASSERT_TRUE(loop_->Submit(std::move(request)).ok());
  EXPECT_EQ(collector->Wait().code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_TRUE(collector->tokens().empty());
  EXPECT_EQ(pool_.free_blocks(), pool_.total_blocks());
}

TEST_F(StepLoopTest, AClientThatReadsNothingHoldsNobodyUp) {
  StartLoop();
  auto [id, slow] = Submit(Prompt(1, 64 * 40), {}, 300);
  slow->WaitForTokens(1);
  slow->reads_ = false;
  auto [later, reader] = Submit(Prompt(2, 64 * 40), {}, 20);
  ASSERT_TRUE(reader->Wait().ok());
  EXPECT_EQ(reader->tokens(), FakeStepRunner::Continue(Prompt(2, 64 * 40), 20));
  slow->reads_ = true;
  loop_->Wake();
  ASSERT_TRUE(slow->Wait().ok());
  EXPECT_EQ(slow->tokens(), FakeStepRunner::Continue(Prompt(1, 64 * 40), 300));
  EXPECT_EQ(pool_.free_blocks(), pool_.total_blocks());
}

// Memory whose blocks take as long to clear as the test likes.
class HeldMemory final : public PageMemory {
 public:
  explicit HeldMemory(int64_t bytes) : memory_(NewHostPageMemory(bytes)) {}
  std::byte* data() const override { return memory_->data(); }
  int64_t bytes() const override { return memory_->bytes(); }
  void Zero(absl::Span<std::byte* const> runs, size_t bytes) override {
    if (!begun.HasBeenNotified()) begun.Notify();
    let_go.WaitForNotification();
    memory_->Zero(runs, bytes);
  }
  void Read(absl::Span<const PageRun> runs) override { memory_->Read(runs); }
  void Write(absl::Span<const PageRun> runs) override { memory_->Write(runs); }
  absl::Notification begun;
  absl::Notification let_go;

 private:
  const std::unique_ptr<PageMemory> memory_;
};

TEST_F(StepLoopTest, ClearingBlocksHoldsUpNobodyWhoAsks) {
  auto memory = std::make_unique<HeldMemory>(kBlocks * FakeStepRunner::kShape.BlockBytes());
  HeldMemory& held = *memory;
  BlockPool pool(FakeStepRunner::kShape, std::move(memory));
  StepLoop loop({.limits = {}, .tokenizer_size = FakeStepRunner::kVocab}, &runner_, &pool, nullptr, &probe_, Clock::Real());
  for (const int32_t seed : {1, 2}) {
    SequenceRequest request = Request(Prompt(seed, 40), {}, 10);
    auto collector = std::make_shared<Collector>();
    request.observer = collector;
    ASSERT_TRUE(loop.Submit(std::move(request)).ok());
    if (seed == 2) {
      held.begun.WaitForNotification();
      std::future<int64_t> running = std::async(std::launch::async, [&] { return loop.load().running; });
      EXPECT_EQ(running.wait_for(std::chrono::seconds(5)), std::future_status::ready);
      held.let_go.Notify();
    }
    ASSERT_TRUE(collector->Wait().ok());
    EXPECT_EQ(collector->tokens(), FakeStepRunner::Continue(Prompt(seed, 40), 10));
  }
}

TEST_F(StepLoopTest, ASequenceThatIsLateCostsTheOthersNoStep) {
  runner_.clock = &time_;
  int steps = 0;
  bool shared = false;
  std::atomic<bool> both{false};
  runner_.before_step = [&](absl::Span<const SequenceStep> sequences) {
    while (!both) std::this_thread::yield();
    ++steps;
    if (sequences.size() == 2 && !std::exchange(shared, true)) time_.Sleep(absl::Seconds(2));
    return absl::OkStatus();
  };
  const auto submit = [&](int32_t seed, int64_t tokens, absl::Time deadline) {
    SequenceRequest request = Request(Prompt(seed, 5), {}, tokens);
    auto collector = std::make_shared<Collector>();
    request.observer = collector;
    request.deadline = deadline;
    EXPECT_TRUE(loop_->Submit(std::move(request)).ok());
    return collector;
  };
  StartLoop(64, 16, &time_);
  const auto hurried = submit(1, 4000, time_.Now() + absl::Seconds(1));
  const auto patient = submit(2, 10, absl::InfiniteFuture());
  both = true;
  ASSERT_TRUE(patient->Wait().ok());
  EXPECT_EQ(patient->tokens(), FakeStepRunner::Continue(Prompt(2, 5), 10));
  EXPECT_EQ(hurried->Wait().code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_TRUE(shared);
  EXPECT_EQ(loop_->counts().steps, steps) << "none failed";
}

TEST_F(StepLoopTest, OtherFailuresEndTheStepsSequences) {
  runner_.before_step = [](absl::Span<const SequenceStep>) { return absl::InternalError("broken"); };
  StartLoop();
  auto [id, collector] = Submit(Prompt(1, 40), {}, 10);
  EXPECT_EQ(collector->Wait().code(), absl::StatusCode::kInternal);
}

TEST_F(StepLoopTest, CancelFreesTheBlocks) {
  StartLoop();
  auto [id, collector] = Submit(Prompt(1, 40), {}, 2000);
  auto [other, stays] = Submit(Prompt(2, 40), {}, 40);
  collector->WaitForTokens(3);
  loop_->Cancel(id, absl::CancelledError("gone"));
  EXPECT_EQ(collector->Wait().code(), absl::StatusCode::kCancelled);
  ASSERT_TRUE(stays->Wait().ok());
  EXPECT_EQ(stays->tokens(), FakeStepRunner::Continue(Prompt(2, 40), 40));
  EXPECT_EQ(pool_.free_blocks(), pool_.total_blocks());
}

TEST_F(StepLoopTest, DrainRefusesTheNewAndFinishesTheRunning) {
  StartLoop();
  auto [id, collector] = Submit(Prompt(1, 40), {}, 50);
  loop_->StopAdmitting();
  EXPECT_EQ(loop_->Submit(Request(Prompt(1, 4), {}, 5)).status().code(), absl::StatusCode::kUnavailable);
  EXPECT_TRUE(loop_->WaitIdle(absl::Seconds(5)));
  EXPECT_TRUE(collector->Wait().ok());
}

TEST_F(StepLoopTest, WhatIsLetGoEndsAndFillsRunToTheirEnds) {
  StartLoop();
  auto [id, generating] = Submit(Prompt(1, 40), {}, 2000);
  generating->WaitForTokens(1);
  SequenceRequest request = Request(Prompt(2, 300), {}, 1);
  request.generates = false;
  auto fill = std::make_shared<Collector>();
  request.observer = fill;
  ASSERT_TRUE(loop_->Submit(std::move(request)).ok());
  loop_->LetGo();
  EXPECT_EQ(generating->Wait().code(), absl::StatusCode::kUnavailable);
  EXPECT_TRUE(fill->Wait().ok());
  EXPECT_TRUE(loop_->WaitIdle(absl::Seconds(5)));
}

TEST_F(StepLoopTest, StopEndsWhatIsLeft) {
  StartLoop();
  auto [id, collector] = Submit(Prompt(1, 40), {}, 2000);
  collector->WaitForTokens(1);
  loop_.reset();
  EXPECT_EQ(collector->Wait().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(pool_.free_blocks(), pool_.total_blocks());
}

TEST_F(StepLoopTest, WarmPrefixesAndDraftsSaveRowsAndChangeNoToken) {
  StartLoop();
  for (const int64_t wrong_every : {int64_t{0}, int64_t{3}}) {
    runner_.wrong_every = wrong_every;
    const int64_t before = runner_.rows();
    auto [id, collector] = Submit(Prompt(7, 300), {}, 30);
    ASSERT_TRUE(collector->Wait().ok());
    EXPECT_EQ(collector->tokens(), FakeStepRunner::Continue(Prompt(7, 300), 30));
    EXPECT_EQ(collector->cached_tokens_, wrong_every == 0 ? 0 : 256);
    EXPECT_EQ(runner_.rows() - before<300, wrong_every> 0);
    ASSERT_TRUE(loop_->WaitIdle(absl::Seconds(5)));
  }
}

TEST_F(StepLoopTest, TokensThatTheEngineChoosesAreTakenAsTheyAre) {
  StartLoop();
  for (const bool chooses : {false, true}) {
    for (const int logprobs : {-1, 0}) {
      runner_.chooses = chooses;
      SequenceRequest request = Request(Prompt(5, 40), {}, 12);
      const int32_t likeliest = FakeStepRunner::Continue(Prompt(5, 40), 1).front();
      request.stop.stop_ids = {likeliest};
      request.stop.min_tokens = 1;
      request.sampler.logprobs = logprobs;
      auto collector = std::make_shared<Collector>();
      request.observer = collector;
      ASSERT_TRUE(loop_->Submit(std::move(request)).ok());
      ASSERT_TRUE(collector->Wait().ok());
      std::vector<int32_t> expected = Prompt(5, 40);
      expected.push_back(likeliest == 0 ? 1 : 0);  // The others are as likely as each other.
      for (const int32_t token : FakeStepRunner::Continue(expected, 11)) expected.push_back(token);
      EXPECT_EQ(collector->tokens(), std::vector<int32_t>(expected.begin() + 40, expected.end())) << chooses << logprobs;
    }
  }
}

// Random arrivals, cancels, priorities, salts and failing steps over a pool that never suffices: every token is an undisturbed run's.
class StepLoopProperties : public testing::TestWithParam<uint32_t> {};

TEST_P(StepLoopProperties, SmallPoolsAndDraftsChangeNoToken) {
  std::mt19937 random(GetParam());
  const auto draw = [&](int64_t low, int64_t high) { return std::uniform_int_distribution<int64_t>(low, high)(random); };
  prometheus::Registry registry;
  AttentionProbe probe(registry);
  BlockPool pool(FakeStepRunner::kShape, draw(6, 12) * FakeStepRunner::kShape.BlockBytes());
  FakeStepRunner runner;
  runner.wrong_every = draw(0, 4);
  runner.chooses = GetParam() % 2 == 0;
  int calls = 0;
  runner.before_step = [&](absl::Span<const SequenceStep>) {
    return ++calls % 17 == 0 ? absl::UnavailableError("by the test") : absl::OkStatus();
  };
  StepLoopOptions options;
  options.limits = {.max_batch_tokens = 40, .prefill_chunk = draw(3, 40), .max_running = 12, .prefix_cache = draw(0, 2) > 0};
  options.tokenizer_size = FakeStepRunner::kVocab;
  options.retry_backoff = absl::Microseconds(10);
  StepLoop loop(options, &runner, &pool, nullptr, &probe, Clock::Real());
  struct Running {
    std::vector<int32_t> prompt;
    SequenceId id;
    std::shared_ptr<Collector> collector;
    bool cancelled = false;
  };
  std::vector<Running> all;
  for (int i = 0; i < 40; ++i) {
    SequenceRequest request;
    request.key = absl::StrCat("r", i);
    request.tokens = Prompt(static_cast<int32_t>(draw(0, 2)), draw(1, 200));
    request.prompt_tokens = static_cast<int64_t>(request.tokens.size());
    request.stop = {.max_tokens = draw(1, 150), .stop_ids = {}, .max_positions = 4096};
    request.priority = static_cast<int32_t>(draw(-1, 1));
    request.cache_salt = draw(0, 1) == 0 ? "a" : "b";
    auto collector = std::make_shared<Collector>();
    request.observer = collector;
    std::vector<int32_t> prompt = request.tokens;
    all.push_back({std::move(prompt), loop.Submit(std::move(request)).value(), collector});
    if (draw(0, 7) == 0) {
      Running& victim = all[static_cast<size_t>(draw(0, i))];
      victim.cancelled = true;
      loop.Cancel(victim.id, absl::CancelledError("by the test"));
    }
  }
  for (Running& running : all) {
    const absl::Status status = running.collector->Wait();
    EXPECT_TRUE(status.ok() || running.cancelled) << status;
    const std::vector<int32_t> tokens = running.collector->tokens();
    EXPECT_EQ(tokens, FakeStepRunner::Continue(running.prompt, static_cast<int64_t>(tokens.size())));
  }
  EXPECT_TRUE(loop.WaitIdle(absl::Seconds(5)));
  EXPECT_EQ(pool.free_blocks(), pool.total_blocks());
}

INSTANTIATE_TEST_SUITE_P(Seeds, StepLoopProperties, testing::Range(0u, 20u));

}  // namespace
}  // namespace baleen
