#include "services/gateway/guardrail/measured_guard.h"

#include <gtest/gtest.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <sstream>

namespace baleen {
namespace {

// Answers as the test says.
class FixedGuard final : public Guard {
 public:
  explicit FixedGuard(const GuardVerdict* verdict) : verdict_(verdict) {}
  std::shared_ptr<GuardSession> Open(const std::string&) override { return std::make_shared<Session>(verdict_); }

 private:
  struct Session final : GuardSession {
    explicit Session(const GuardVerdict* given) : verdict(given) {}
    void CheckPrompt(PrivateText, GuardDone done) override { done(*verdict); }
    void CheckOutput(GuardPiece, GuardDone done) override { done(*verdict); }
    void Cancel() override {}
    const GuardVerdict* const verdict;
  };
  const GuardVerdict* const verdict_;
};

class MeasuredGuardTest : public testing::Test {
 protected:
  void Check(bool output) {
    if (output) {
      guard_->Open("")->CheckOutput({}, [](GuardVerdict) {});
    } else {
      guard_->Open("")->CheckPrompt(PrivateText(), [](GuardVerdict) {});
    }
  }
  bool Shows(const std::string& line) {
    std::ostringstream text;
    prometheus::TextSerializer().Serialize(text, registry_.Collect());
    return text.str().find(line + "\n") != std::string::npos;
  }

  GuardVerdict verdict_;
  prometheus::Registry registry_;
  std::unique_ptr<Guard> guard_ = MeasureGuard(std::make_unique<FixedGuard>(&verdict_), {"secret"}, registry_);
};

TEST_F(MeasuredGuardTest, CountsBySubjectAndCategory) {
  EXPECT_TRUE(Shows(R"(baleen_guardrail_blocks_total{category="secret",subject="output"} 0)"));
  Check(false);
  verdict_.block = true;
  verdict_.category = "secret";
  verdict_.noted = {"contact"};
  Check(true);
  Check(true);
  EXPECT_TRUE(Shows(R"(baleen_guardrail_checks_total{subject="prompt"} 1)"));
  EXPECT_TRUE(Shows(R"(baleen_guardrail_checks_total{subject="output"} 2)"));
  EXPECT_TRUE(Shows(R"(baleen_guardrail_blocks_total{category="secret",subject="output"} 2)"));
  EXPECT_TRUE(Shows(R"(baleen_guardrail_noted_total{category="contact",subject="output"} 2)"));
  EXPECT_TRUE(Shows(R"(baleen_guardrail_failures_total{subject="output"} 0)"));
  EXPECT_TRUE(Shows(R"(baleen_guardrail_check_seconds_count{subject="output"} 2)"));
  verdict_ = {absl::UnavailableError("gone"), false, "", 0, {}};
  Check(false);
  EXPECT_TRUE(Shows(R"(baleen_guardrail_failures_total{subject="prompt"} 1)"));
}

TEST_F(MeasuredGuardTest, AFailureIsLoggedOnceByItsCodeAlone) {
  verdict_.status = absl::UnavailableError("The user said hello");
  testing::internal::CaptureStderr();
  const std::shared_ptr<GuardSession> session = guard_->Open(std::string(16, '\x2a'));
  for (int i = 0; i < 3; ++i) session->CheckOutput({}, [](GuardVerdict) {});
  const std::string log = testing::internal::GetCapturedStderr();
  const std::string line = R"("event": "guard_failed", "request": "2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a", "code": "UNAVAILABLE")";
  const size_t found = log.find(line);
  ASSERT_NE(found, std::string::npos) << log;
  EXPECT_EQ(log.find("guard_failed", found + line.size()), std::string::npos) << log;
  EXPECT_EQ(log.find("hello"), std::string::npos) << log;
}

TEST_F(MeasuredGuardTest, LabelsAreFewNamesAndNeverText) {
  verdict_.block = true;
  verdict_.category = "The user said hello";
  Check(false);
  EXPECT_TRUE(Shows(R"(baleen_guardrail_blocks_total{category="other",subject="prompt"} 1)"));
  for (int i = 0; i < 100; ++i) {
    verdict_.category = "name_" + std::to_string(i);
    Check(false);
  }
  EXPECT_TRUE(Shows(R"(baleen_guardrail_blocks_total{category="name_0",subject="prompt"} 1)"));
  EXPECT_FALSE(Shows(R"(baleen_guardrail_blocks_total{category="name_99",subject="prompt"} 1)"));
  EXPECT_TRUE(Shows(R"(baleen_guardrail_blocks_total{category="other",subject="prompt"} 70)"));
}

}  // namespace
}  // namespace baleen
