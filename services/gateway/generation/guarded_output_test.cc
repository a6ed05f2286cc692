#include "services/gateway/generation/guarded_output.h"

#include <gtest/gtest.h>

#include <deque>
#include <string>
#include <utility>
#include <vector>

namespace baleen {
namespace {

// Answers when the test says so.
class SlowSession final : public GuardSession {
 public:
  void CheckPrompt(PrivateText, GuardDone) override {}
  void CheckOutput(GuardPiece piece, GuardDone done) override {
    pieces.push_back(std::move(piece));
    waiting_.push_back(std::move(done));
  }
  void Cancel() override {}

  void Answer(GuardVerdict verdict) {
    const GuardDone done = std::move(waiting_.front());
    waiting_.pop_front();
    done(std::move(verdict));
  }
  void Pass(uint64_t passed) { Answer({{}, false, "", passed, {}}); }
  void Block(uint64_t passed) { Answer({{}, true, "secret", passed, {}}); }
  void Break() { Answer({absl::UnavailableError("gone"), false, "", 0, {}}); }
  // Those who wait own the output, which owns this session.
  void Forget() { waiting_.clear(); }

  std::vector<GuardPiece> pieces;

 private:
  std::deque<GuardDone> waiting_;
};

class GuardedOutputTest : public testing::Test {
 protected:
  ~GuardedOutputTest() override { session_->Forget(); }

  GenerationSink Make(bool fails_open = false) {
    GuardedOutputOptions options;
    options.session = session_;
    options.choice = 2;
    options.fails_open = fails_open;
    options.sink = [this](GenerationEvent event) { out_.push_back(std::move(event)); };
    options.stop = [this] { ++stopped_; };
    return GuardOutput(std::move(options));
  }

  static GenerationEvent Token(int32_t token, const std::string& text, Finish finish = Finish::kNone) {
    GenerationEvent event;
    event.text = PrivateText(text);
    event.tokens.push_back({token, 0, {}});
    event.finish = finish;
    event.usage.completion_tokens = token;
    return event;
  }

  std::string Text() const {
    std::string text;
    for (const GenerationEvent& event : out_) text += event.text.reveal();
    return text;
  }

  const std::shared_ptr<SlowSession> session_ = std::make_shared<SlowSession>();
  std::vector<GenerationEvent> out_;
  int stopped_ = 0;
};

TEST_F(GuardedOutputTest, NothingGoesOutBeforeItHasPassed) {
  const GenerationSink sink = Make();
  sink(Token(1, "a"));
  sink(Token(2, "b"));
  sink(Token(3, "c", Finish::kStop));
  EXPECT_TRUE(out_.empty());
  session_->Pass(0);
  EXPECT_TRUE(out_.empty());
  session_->Pass(2);
  EXPECT_EQ(Text(), "ab");
  session_->Pass(3);
  EXPECT_EQ(Text(), "abc");
  EXPECT_EQ(out_.back().finish, Finish::kStop);
  EXPECT_EQ(stopped_, 0);
  EXPECT_FALSE(session_->pieces[1].last);
  EXPECT_TRUE(session_->pieces[2].last);
  EXPECT_EQ(session_->pieces[2].choice, 2u);
}

TEST_F(GuardedOutputTest, ATokenWithoutTextWaitsForWhatFollows) {
  const GenerationSink sink = Make();
  sink(Token(1, "a"));
  sink(Token(2, ""));
  session_->Pass(1);
  EXPECT_EQ(out_.size(), 1u);
  sink(Token(3, "b"));
  session_->Pass(2);
  EXPECT_EQ(out_.size(), 3u);
}

TEST_F(GuardedOutputTest, ABlockEndsTheChoiceBehindWhatPassed) {
  const GenerationSink sink = Make();
  for (int32_t i = 1; i <= 4; ++i) sink(Token(i, std::string(1, static_cast<char>('a' + i))));
  session_->Pass(1);
  session_->Pass(1);
  session_->Block(2);
  session_->Pass(4);
  ASSERT_EQ(out_.size(), 3u);
  EXPECT_EQ(Text(), "bc");
  EXPECT_EQ(out_.back().finish, Finish::kContentFilter);
  EXPECT_TRUE(out_.back().tokens.empty());
  EXPECT_EQ(out_.back().usage.completion_tokens, 3);  // As far as was judged, however far the model was.
  EXPECT_EQ(stopped_, 1);
  sink(Token(5, "z", Finish::kStop));
  EXPECT_EQ(out_.size(), 3u);
}

TEST_F(GuardedOutputTest, AFailureEndsTheChoiceOrLetsItGo) {
  const GenerationSink closed = Make();
  closed(Token(1, "a"));
  closed(Token(2, "b"));
  session_->Pass(1);
  session_->Break();
  ASSERT_EQ(out_.size(), 2u);
  EXPECT_EQ(Text(), "a");
  EXPECT_EQ(out_.back().status.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(stopped_, 1);
  out_.clear();
  const GenerationSink open = Make(true);
  open(Token(1, "a"));
  open(Token(2, "b"));
  session_->Break();
  EXPECT_EQ(Text(), "ab");
  open(Token(3, "c", Finish::kLength));
  EXPECT_EQ(Text(), "abc");
  EXPECT_EQ(out_.back().finish, Finish::kLength);
  EXPECT_EQ(stopped_, 1);
}

TEST_F(GuardedOutputTest, HoldingTheEndBackIsAFailure) {
  const GenerationSink sink = Make();
  sink(Token(1, "a", Finish::kStop));
  session_->Pass(0);
  ASSERT_EQ(out_.size(), 1u);
  EXPECT_EQ(out_.back().status.code(), absl::StatusCode::kUnavailable);
}

TEST_F(GuardedOutputTest, ReasoningTextAndCallsArePiecesOfTheirOwn) {
  const GenerationSink sink = Make();
  GenerationEvent event = Token(1, "text");
  event.reasoning = PrivateText("thought");
  event.tool_calls = {{0, PrivateText("add"), PrivateText()}, {0, PrivateText(), PrivateText("{\"a\"")}};
  sink(std::move(event));
  ASSERT_EQ(session_->pieces.size(), 4u);
  EXPECT_EQ(session_->pieces[0].channel, GuardChannel::kReasoning);
  EXPECT_EQ(session_->pieces[1].channel, GuardChannel::kText);
  EXPECT_EQ(session_->pieces[2].text.reveal(), "add ");
  EXPECT_EQ(session_->pieces[3].text.reveal(), "{\"a\"");
  for (uint64_t i = 1; i < 4; ++i) session_->Pass(i);
  EXPECT_TRUE(out_.empty());
  session_->Pass(4);
  EXPECT_EQ(out_.size(), 1u);
}

TEST_F(GuardedOutputTest, AnErrorComesBehindTheTextBeforeIt) {
  const GenerationSink sink = Make();
  sink(Token(1, "a"));
  GenerationEvent failed;
  failed.status = absl::DeadlineExceededError("late");
  sink(std::move(failed));
  EXPECT_TRUE(out_.empty());
  session_->Pass(1);
  session_->Pass(2);
  ASSERT_EQ(out_.size(), 2u);
  EXPECT_EQ(out_.back().status.code(), absl::StatusCode::kDeadlineExceeded);
}

}  // namespace
}  // namespace baleen
