#include "services/gateway/generation/choices.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <utility>

#include "services/gateway/generation/worker_picker.h"
#include "services/gateway/guardrail/builtin_guard.h"
#include "services/gateway/testing/scripted_decode.h"

namespace baleen {
namespace {

class ChoicesTest : public testing::Test {
 protected:
  void SetUp() override {
    auto tokenizer = Tokenizer::Load("checkpoints/abacus");
    ASSERT_TRUE(tokenizer.ok()) << tokenizer.status();
    tokenizer_ = *std::move(tokenizer);
    AddReadyWorker(&picker_);
  }

  std::shared_ptr<Generation> Start(DecodeScript script, int64_t choices, const std::string& echo = "") {
    decode_ = std::make_unique<ScriptedDecode>(std::move(script));
    GenerationInput input;
    input.request_id = std::string(16, 'r');
    input.prompt = tokenizer_->Encode(prompt_, AddedTokens::kText);
    input.spec.seed = 5;
    input.spec.max_tokens = 10;
    input.spec.choices = choices;
    input.echo = PrivateText(echo);
    GenerationContext context{tokenizer_.get(), decode_.get(), &picker_};
    context.guard = guard_.get();
    context.guard_fails_open = fails_open_;
    return StartChoices(
        context, input, [](GenerationSink sink) { return sink; }, [this](GenerationEvent event) { events_.push_back(std::move(event)); });
  }

  std::unique_ptr<Tokenizer> tokenizer_;
  // The events' text and tokens of a choice.
  std::pair<std::string, std::vector<int32_t>> Delivered(uint32_t choice) const {
    std::pair<std::string, std::vector<int32_t>> delivered;
    for (const GenerationEvent& event : events_) {
      if (event.choice != choice) continue;
      delivered.first += event.text.reveal();
      for (const TokenChoice& token : event.tokens) delivered.second.push_back(token.token);
    }
    return delivered;
  }

  std::string prompt_ = "abc";
  std::unique_ptr<Guard> guard_;
  bool fails_open_ = false;
  WorkerPicker picker_;
  std::unique_ptr<ScriptedDecode> decode_;
  std::vector<GenerationEvent> events_;
};

TEST_F(ChoicesTest, EachChoiceIsASequenceOfItsOwn) {
  Start({tokenizer_->Encode("12", AddedTokens::kText), v1::FINISH_REASON_STOP, 1}, 3, "0");
  ASSERT_EQ(decode_->starts().size(), 3u);
  std::vector<std::string> texts(3);
  int ends = 0;
  for (const GenerationEvent& event : events_) {
    texts.at(event.choice) += event.text.reveal();
    ends += event.ends_request();
  }
  EXPECT_EQ(texts, (std::vector<std::string>(3, "012")));
  EXPECT_EQ(ends, 1);
  for (uint32_t i = 0; i < 3; ++i) EXPECT_EQ(decode_->starts()[i].context().choice(), i);
  EXPECT_TRUE(events_.back().ends_request());
  EXPECT_EQ(events_.back().usage.prompt_tokens, static_cast<int64_t>(tokenizer_->Encode(prompt_, AddedTokens::kText).size()));
  EXPECT_EQ(events_.back().usage.completion_tokens, 6);
  EXPECT_EQ(events_.back().usage.prompt_cache_hit_tokens, 1);
}

TEST_F(ChoicesTest, AFailureEndsTheRequestOnce) {
  Start({{}, v1::FINISH_REASON_STOP, 0, absl::InvalidArgumentError("no")}, 4);
  ASSERT_EQ(events_.size(), 1u);
  EXPECT_EQ(events_[0].status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_TRUE(events_[0].ends_request());
  EXPECT_EQ(decode_->starts().size(), 1u);
}

TEST_F(ChoicesTest, CancelFreesEverySequence) {
  DecodeScript waits;
  waits.silent = true;
  const auto generation = Start(waits, 3);
  generation->Cancel();
  EXPECT_EQ(decode_->cancelled(), 3);
  EXPECT_TRUE(events_.empty());
}

class GuardedChoicesTest : public ChoicesTest {
 protected:
  void SetUp() override {
    ChoicesTest::SetUp();
    guard_ = MakeBuiltinGuard(GuardPolicy::Default());
  }
};

TEST_F(GuardedChoicesTest, WhatPassesIsTheSameEventForEvent) {
  const DecodeScript script{tokenizer_->Encode("It is 42.\n\nNot more than 9,999 (or less)", AddedTokens::kText)};
  Start(script, 2, "echo ");
  const std::vector<GenerationEvent> guarded = std::move(events_);
  events_.clear();
  guard_.reset();
  Start(script, 2, "echo ");
  ASSERT_EQ(guarded.size(), events_.size());
  for (size_t i = 0; i < guarded.size(); ++i) {
    EXPECT_EQ(guarded[i].text, events_[i].text);
    EXPECT_EQ(guarded[i].choice, events_[i].choice);
    EXPECT_EQ(guarded[i].tokens.size(), events_[i].tokens.size());
    EXPECT_EQ(guarded[i].finish, events_[i].finish);
  }
}

TEST_F(GuardedChoicesTest, ABlockedOutputEndsAsContentFilterWithTheTokensBeforeIt) {
  const std::vector<int32_t> tokens = tokenizer_->Encode("Pay with 4111 1111 1111 1111, please", AddedTokens::kText);
  Start({tokens}, 2);
  ASSERT_TRUE(events_.back().ends_request());
  for (uint32_t choice = 0; choice < 2; ++choice) {
    const auto [text, delivered] = Delivered(choice);
    EXPECT_EQ(text, "Pay with ");
    ASSERT_LT(delivered.size(), tokens.size());
    EXPECT_TRUE(std::equal(delivered.begin(), delivered.end(), tokens.begin()));
    EXPECT_EQ(tokenizer_->Decode(delivered, false), text);
  }
  EXPECT_EQ(events_.back().finish, Finish::kContentFilter);
}

TEST_F(GuardedChoicesTest, ABlockedPromptRunsNowhere) {
  prompt_ = "Charge 4111 1111 1111 1111.";
  Start({tokenizer_->Encode("12", AddedTokens::kText)}, 3, prompt_);
  EXPECT_TRUE(decode_->starts().empty());
  ASSERT_EQ(events_.size(), 3u);
  for (const GenerationEvent& event : events_) {
    EXPECT_EQ(event.finish, Finish::kContentFilter);
    EXPECT_EQ(event.text.reveal(), "");
  }
  EXPECT_TRUE(events_.back().ends_request());
  EXPECT_EQ(events_.back().usage.prompt_tokens, 0);
  EXPECT_EQ(events_.back().usage.completion_tokens, 0);
}

TEST_F(GuardedChoicesTest, CancelFreesEverySequence) {
  DecodeScript waits;
  waits.silent = true;
  const auto generation = Start(waits, 3);
  generation->Cancel();
  EXPECT_EQ(decode_->cancelled(), 3);
  EXPECT_TRUE(events_.empty());
}

// Neither answers nor fails until the test says so.
class SilentGuard final : public Guard {
 public:
  struct Session final : GuardSession {
    void CheckPrompt(PrivateText, GuardDone asked) override { done = std::move(asked); }
    void CheckOutput(GuardPiece, GuardDone asked) override { done = std::move(asked); }
    void Cancel() override { done = nullptr; }
    GuardDone done;
  };
  std::shared_ptr<GuardSession> Open(const std::string&) override { return session = std::make_shared<Session>(); }
  std::shared_ptr<Session> session;
};

TEST_F(ChoicesTest, NothingRunsBeforeThePromptHasPassed) {
  auto silent = std::make_unique<SilentGuard>();
  SilentGuard* const raw = silent.get();
  guard_ = std::move(silent);
  const auto generation = Start({tokenizer_->Encode("12", AddedTokens::kText)}, 1);
  EXPECT_TRUE(decode_->starts().empty());
  std::exchange(raw->session->done, nullptr)({});
  EXPECT_EQ(decode_->starts().size(), 1u);
  EXPECT_TRUE(events_.empty());
  generation->Cancel();
}

TEST_F(ChoicesTest, AClientThatLeavesDuringThePromptsCheckStartsNothing) {
  auto silent = std::make_unique<SilentGuard>();
  SilentGuard* const raw = silent.get();
  guard_ = std::move(silent);
  const auto generation = Start({tokenizer_->Encode("12", AddedTokens::kText)}, 1);
  const GuardDone late = raw->session->done;
  generation->Cancel();
  late({});
  EXPECT_TRUE(decode_->starts().empty());
}

TEST_F(ChoicesTest, AFailedPromptCheckIsAnErrorOrLetsItGo) {
  auto silent = std::make_unique<SilentGuard>();
  SilentGuard* const raw = silent.get();
  guard_ = std::move(silent);
  Start({tokenizer_->Encode("12", AddedTokens::kText)}, 2);
  std::exchange(raw->session->done, nullptr)({absl::UnavailableError("gone"), false, "", 0, {}});
  ASSERT_EQ(events_.size(), 1u);
  EXPECT_EQ(events_[0].status.code(), absl::StatusCode::kUnavailable);
  EXPECT_TRUE(decode_->starts().empty());
  events_.clear();
  fails_open_ = true;
  Start({tokenizer_->Encode("12", AddedTokens::kText)}, 2);
  std::exchange(raw->session->done, nullptr)({absl::UnavailableError("gone"), false, "", 0, {}});
  EXPECT_TRUE(events_.back().ends_request());
  EXPECT_EQ(Delivered(1).first, "12");
}

}  // namespace
}  // namespace baleen
