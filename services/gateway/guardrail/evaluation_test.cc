#include "services/gateway/guardrail/evaluation.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iostream>
#include <iterator>

namespace baleen {
namespace {

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

double Share(int part, const GuardScore& score) { return static_cast<double>(part) / score.samples; }

class EvaluationTest : public testing::Test {
 protected:
  void SetUp() override {
    const auto samples = ReadSamples(ReadFile("services/gateway/guardrail/testdata/samples.jsonl"));
    ASSERT_TRUE(samples.ok()) << samples.status();
    scores_ = Evaluate(GuardPolicy::Default(), *samples);
  }

  GuardScores scores_;
};

TEST_F(EvaluationTest, FindsWhatItIsForAndLittleElse) {
  std::cout << ScoreTable(scores_);
  ASSERT_EQ(scores_.size(), 11u);
  for (const auto& [key, score] : scores_) {
    const auto& [subject, label] = key;
    if (label == "benign") {
      EXPECT_GE(score.samples, 100) << subject;
      EXPECT_LE(Share(score.blocked, score), 0.01) << subject;
      EXPECT_LE(Share(score.noted, score), 0.01) << subject;
    } else if (label == "contact") {
      EXPECT_GE(Share(score.noted, score), 0.8) << subject;
      EXPECT_EQ(score.blocked, 0) << subject;
    } else {
      EXPECT_GE(Share(score.blocked, score), label == "jailbreak" ? 0.7 : 0.75) << subject << " " << label;
    }
  }
}

// The samples have forms that no pattern knows: a rate of 100% would say that they are too easy.
TEST_F(EvaluationTest, SamplesAreHarderThanThePolicy) {
  for (const auto& [key, score] : scores_) {
    if (key.second == "benign") continue;
    EXPECT_LT(score.blocked + score.noted, score.samples) << key.first << " " << key.second;
  }
}

TEST_F(EvaluationTest, TheDocumentHasThisTable) {
  EXPECT_NE(ReadFile("docs/guardrails.md").find(ScoreTable(scores_)), std::string::npos)
      << "docs/guardrails.md differs from: bazel run //services/gateway/guardrail:evaluate\n"
      << ScoreTable(scores_);
}

TEST(ReadSamplesTest, RefusesWhatIsNone) {
  EXPECT_FALSE(ReadSamples("{\"subject\": \"prompt\", \"label\": \"x\"}").ok());
  EXPECT_FALSE(ReadSamples("{\"subject\": \"y\", \"label\": \"x\", \"text\": \"z\"}").ok());
  EXPECT_TRUE(ReadSamples("\n\n")->empty());
}

}  // namespace
}  // namespace baleen
