#include "services/gateway/guardrail/builtin_guard.h"

#include <gtest/gtest.h>

namespace baleen {
namespace {

class BuiltinGuardTest : public testing::Test {
 protected:
  GuardVerdict Add(const std::string& text, GuardChannel channel = GuardChannel::kText, bool last = false, uint32_t choice = 0) {
    GuardVerdict verdict;
    session_->CheckOutput({choice, channel, 0, PrivateText(text), last}, [&verdict](GuardVerdict given) { verdict = std::move(given); });
    return verdict;
  }

  const std::unique_ptr<Guard> guard_ = MakeBuiltinGuard(GuardPolicy::Default());
  const std::shared_ptr<GuardSession> session_ = guard_->Open("");
};

TEST_F(BuiltinGuardTest, JudgesPrompts) {
  GuardVerdict verdict;
  session_->CheckPrompt(PrivateText("Hello"), [&verdict](GuardVerdict given) { verdict = std::move(given); });
  EXPECT_FALSE(verdict.block);
  guard_->Open("")->CheckPrompt(PrivateText("Charge 4111 1111 1111 1111."), [&verdict](GuardVerdict given) { verdict = std::move(given); });
  EXPECT_TRUE(verdict.block);
  EXPECT_EQ(verdict.category, "payment");
  guard_->Open("")->CheckPrompt(PrivateText("Write to a.b@example.com"), [&verdict](GuardVerdict given) { verdict = std::move(given); });
  EXPECT_FALSE(verdict.block);
  EXPECT_EQ(verdict.noted, std::vector<std::string>{"contact"});
}

TEST_F(BuiltinGuardTest, HoldsPiecesUntilTheirRunsAreOver) {
  EXPECT_EQ(Add("Card").passed, 0u);
  EXPECT_EQ(Add(": ").passed, 1u);
  EXPECT_EQ(Add("4111 ").passed, 1u);
  EXPECT_EQ(Add("1111 1111 ").passed, 1u);
  const GuardVerdict verdict = Add("1112\n");
  EXPECT_FALSE(verdict.block);  // Its check digit is wrong.
  EXPECT_EQ(verdict.passed, 5u);
  EXPECT_EQ(Add("", GuardChannel::kText, true).passed, 6u);
}

TEST_F(BuiltinGuardTest, ABlockLetsNothingOfItsMatchGo) {
  EXPECT_EQ(Add("Card: ").passed, 0u);
  EXPECT_EQ(Add("it is").passed, 1u);
  EXPECT_EQ(Add(" 4111 1111 ").passed, 2u);
  EXPECT_EQ(Add("1111 1111").passed, 2u);
  const GuardVerdict verdict = Add(".");
  EXPECT_TRUE(verdict.block);
  EXPECT_EQ(verdict.category, "payment");
  EXPECT_EQ(verdict.passed, 2u);
}

TEST_F(BuiltinGuardTest, ChannelsAndChoicesAreTextsOfTheirOwn) {
  EXPECT_EQ(Add("4111 1111 ", GuardChannel::kReasoning).passed, 0u);
  EXPECT_EQ(Add("1111 1111", GuardChannel::kText).passed, 1u);
  EXPECT_EQ(Add("4111111111111111", GuardChannel::kText, false, 1).passed, 0u);
  const GuardVerdict other = Add("", GuardChannel::kText, true, 1);
  EXPECT_TRUE(other.block);
  EXPECT_EQ(Add("", GuardChannel::kText, true).passed, 3u);
}

TEST_F(BuiltinGuardTest, AMatchAtTheEndOfTheReasoningBlocksToo) {
  Add("4111111111111111", GuardChannel::kReasoning);
  const GuardVerdict verdict = Add("Done", GuardChannel::kText);
  EXPECT_TRUE(verdict.block);
  EXPECT_EQ(verdict.passed, 0u);
}

}  // namespace
}  // namespace baleen
