#include "services/gateway/guardrail/text_scanner.h"

#include <gtest/gtest.h>

namespace baleen {
namespace {

std::shared_ptr<const GuardPolicy> Policy() {
  return *GuardPolicy::Parse(R"({"rules": [
    {"name": "code", "category": "c", "on": ["prompt", "output"], "action": "block", "run": "[0-9-]", "pattern": "\\b42-[0-9]{4}\\b"},
    {"name": "seven", "category": "d", "on": ["output"], "action": "note", "run": "[0-9-]", "pattern": "7"},
    {"name": "key", "category": "k", "on": ["output"], "action": "block", "run": "[a-z_]", "pattern": "\\bkey_[a-z]{4}"},
    {"name": "phrase", "category": "p", "on": ["prompt"], "action": "block", "pattern": "open +sesame"}]})");
}

// Where the first block begins and how much had been let go before it was found; -1 and all of it without one.
std::pair<int64_t, uint64_t> Scan(const std::string& text, size_t piece) {
  TextScanner scanner(Policy(), true);
  uint64_t decided = 0;
  for (size_t i = 0; i < text.size(); i += piece) {
    const TextFinding finding = scanner.Add(text.substr(i, piece));
    EXPECT_GE(finding.decided, finding.block == nullptr ? decided : 0);
    if (finding.block != nullptr) return {static_cast<int64_t>(finding.decided), decided};
    decided = finding.decided;
  }
  const TextFinding finding = scanner.Finish();
  if (finding.block != nullptr) return {static_cast<int64_t>(finding.decided), decided};
  return {-1, finding.decided};
}

TEST(TextScannerTest, FindsMatchesHoweverTheTextIsCut) {
  const std::string text = "the code 42-1234, he said";
  for (size_t piece = 1; piece <= text.size(); ++piece) {
    const auto [begin, let_go] = Scan(text, piece);
    EXPECT_EQ(begin, 9) << piece;
    EXPECT_LE(let_go, 9u) << piece;
  }
}

TEST(TextScannerTest, HoldsNoMoreThanTheRunsThatAreOpen) {
  TextScanner scanner(Policy(), true);
  EXPECT_EQ(scanner.Add("Hello, ").decided, 7u);
  EXPECT_EQ(scanner.Add("wor").decided, 7u);
  EXPECT_EQ(scanner.Add("ld 4").decided, 13u);
  EXPECT_EQ(scanner.Add("2").decided, 13u);
  EXPECT_EQ(scanner.Add(". ").decided, 17u);
  EXPECT_EQ(scanner.Add("end").decided, 17u);
  EXPECT_EQ(scanner.Finish().decided, 20u);
}

TEST(TextScannerTest, EndsOfTextCount) {
  EXPECT_EQ(Scan("42-1234", 3).first, 0);
  EXPECT_EQ(Scan("42-123", 3).first, -1);
  EXPECT_EQ(Scan("142-1234", 3).first, -1);
}

TEST(TextScannerTest, FindsMatchesAnywhereInALongRun) {
  for (size_t at = 0; at < 4 * TextScanner::kWindow; at += 37) {
    std::string text(5 * TextScanner::kWindow, '-');
    text.replace(at, 7, "42-1234");
    const auto [begin, let_go] = Scan(text, 5);
    EXPECT_LE(static_cast<uint64_t>(begin), at);
    EXPECT_LE(let_go, at);
    EXPECT_GE(begin, 0);
  }
  // What is before a window is context still: this is one long number.
  EXPECT_EQ(Scan(std::string(3 * TextScanner::kWindow, '1') + "42-1234", 7).first, -1);
}

TEST(TextScannerTest, ALongRunIsLetGoByWindows) {
  TextScanner scanner(Policy(), true);
  uint64_t decided = 0;
  for (uint64_t size = 8; size <= 8192; size += 8) {
    decided = scanner.Add("11111111").decided;
    EXPECT_LE(size - decided, 2 * TextScanner::kWindow);
  }
  EXPECT_GT(decided, 7000u);
}

TEST(TextScannerTest, NotesOnceAndLetsGo) {
  TextScanner scanner(Policy(), true);
  EXPECT_EQ(scanner.Add("7, ").noted.size(), 1u);
  const TextFinding again = scanner.Add("7, ");
  EXPECT_TRUE(again.noted.empty());
  EXPECT_EQ(again.decided, 6u);
}

TEST(ScanPromptTest, SeesRunsAndPhrases) {
  std::vector<const GuardRule*> noted;
  EXPECT_EQ(ScanPrompt(Policy(), "is it 42-1234?", &noted)->name, "code");
  EXPECT_EQ(ScanPrompt(Policy(), "say open   sesame", &noted)->name, "phrase");
  EXPECT_EQ(ScanPrompt(Policy(), "key_abcd", &noted), nullptr);
  EXPECT_TRUE(noted.empty());
}

}  // namespace
}  // namespace baleen
