#include "services/gateway/guardrail/policy.h"

#include <gtest/gtest.h>

namespace baleen {
namespace {

std::string Rule(const std::string& fields) { return "{\"rules\": [{\"name\": \"a\", \"category\": \"c\", " + fields + "}]}"; }

std::string ErrorOf(const std::string& text) { return std::string(GuardPolicy::Parse(text).status().message()); }

TEST(GuardPolicyTest, TheOneThatShipsIsWhole) {
  const auto policy = GuardPolicy::Default();
  EXPECT_GT(policy->rules.size(), 15u);
  for (const GuardRule& rule : policy->rules) EXPECT_TRUE(rule.on_prompt) << rule.name;
}

TEST(GuardPolicyTest, ReadsARule) {
  const auto policy =
      GuardPolicy::Parse(Rule(R"("on": ["output"], "action": "note", "run": "[0-9 ]", "pattern": "4[0-9 ]+", "check": "luhn")"));
  ASSERT_TRUE(policy.ok()) << policy.status();
  const GuardRule& rule = (*policy)->rules.front();
  EXPECT_EQ(rule.action, GuardAction::kNote);
  EXPECT_TRUE(rule.on_output);
  EXPECT_FALSE(rule.on_prompt);
  EXPECT_EQ(rule.run.count(), 11u);
  size_t begin = 0;
  EXPECT_FALSE(rule.Find("4111 1111 1111 1112", 0, &begin));
  EXPECT_TRUE(rule.Find("44111 1111 1111 1111", 0, &begin));
  EXPECT_EQ(begin, 1u);
}

TEST(GuardPolicyTest, SaysWhatIsWrong) {
  EXPECT_NE(ErrorOf("{}").find("rules"), std::string::npos);
  EXPECT_NE(ErrorOf("{\"rules\": [3]}").find("must be an object"), std::string::npos);
  const std::string good = R"("on": ["prompt"], "action": "block", "pattern": "x")";
  EXPECT_EQ(ErrorOf(Rule(good)), "");
  EXPECT_NE(ErrorOf(Rule(good + ", \"patern\": \"x\"")).find("no field 'patern'"), std::string::npos);
  EXPECT_NE(ErrorOf(Rule(R"("on": ["prompt"], "action": "block", "pattern": "(x")")).find("RE2 refuses"), std::string::npos);
  EXPECT_NE(ErrorOf(Rule(R"("on": ["prompt"], "action": "block", "pattern": "x*")")).find("empty text"), std::string::npos);
  EXPECT_NE(ErrorOf(Rule(R"("on": ["output"], "action": "block", "pattern": "x")")).find("needs a 'run'"), std::string::npos);
  EXPECT_NE(ErrorOf(Rule(R"("on": ["input"], "action": "block", "pattern": "x")")).find("'on'"), std::string::npos);
  EXPECT_NE(ErrorOf(Rule(R"("on": ["prompt"], "action": "redact", "pattern": "x")")).find("'action'"), std::string::npos);
  EXPECT_NE(ErrorOf(Rule(good + ", \"check\": \"crc\"")).find("'check'"), std::string::npos);
  EXPECT_NE(ErrorOf(Rule(good + ", \"check\": \"luhn\"")).find("goes with a 'run'"), std::string::npos);
  EXPECT_NE(ErrorOf(Rule(good + ", \"run\": \"abc\"")).find("'run'"), std::string::npos);
  EXPECT_NE(ErrorOf(Rule(good + ", \"min_bytes\": 3")).find("'min_bytes'"), std::string::npos);
  EXPECT_NE(ErrorOf(Rule(good + ", \"run\": \"[x]\", \"min_bytes\": 0")).find("'min_bytes'"), std::string::npos);
  EXPECT_NE(ErrorOf("{\"rules\": [{\"name\": \"A b\", \"category\": \"c\", " + good + "}]}").find("a-z"), std::string::npos);
}

// What a backtracking matcher takes forever for.
TEST(GuardPolicyTest, PatternsThatNestRepetitionsTakeLinearTime) {
  const auto policy = GuardPolicy::Parse(Rule(R"("on": ["prompt"], "action": "block", "pattern": "(?:(?:a+)+)+b")"));
  ASSERT_TRUE(policy.ok()) << policy.status();
  size_t begin = 0;
  EXPECT_FALSE((*policy)->rules.front().Find(std::string(1 << 20, 'a'), 0, &begin));
}

}  // namespace
}  // namespace baleen
