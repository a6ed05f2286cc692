#include "model/tokenizer/reasoning_parser.h"

#include "gtest/gtest.h"
#include "model/tokenizer/tiny_tokenizer.h"

namespace baleen {
namespace {

struct Split {
  std::string reasoning;
  std::string content;
  bool operator==(const Split&) const = default;
};

void PrintTo(const Split& split, std::ostream* out) {
  *out << testing::PrintToString(split.reasoning) << " | " << testing::PrintToString(split.content);
}

Split Parse(const Tokenizer& tokenizer, bool opened, const std::vector<int32_t>& ids) {
  ReasoningParser parser(tokenizer, opened);
  Split split;
  const auto add = [&](const ReasoningDelta& delta) {
    split.reasoning += delta.reasoning;
    split.content += delta.content;
  };
  for (int32_t id : ids) add(parser.Add(id));
  add(parser.Finish());
  return split;
}

Split Parse(bool opened, const std::string& text) {
  const auto tokenizer = MakeTinyTokenizer();
  return Parse(*tokenizer, opened, tokenizer->Encode(text, AddedTokens::kMatch));
}

TEST(ReasoningParserTest, SplitsAtTheToken) {
  EXPECT_EQ(Parse(true, "two\nlines\n</think>\n\nanswer"), (Split{"two\nlines", "answer"}));
  EXPECT_EQ(Parse(true, "\na</think>b"), (Split{"a", "b"}));
  EXPECT_EQ(Parse(true, "\n\na\n\n\n</think>\n\n\nb"), (Split{"\na", "\nb"}));
  EXPECT_EQ(Parse(true, "</think>\n\nb"), (Split{"", "b"}));
  EXPECT_EQ(Parse(true, "\n\n</think>b"), (Split{"", "b"}));
  EXPECT_EQ(Parse(true, "a</think>"), (Split{"a", ""}));
}

TEST(ReasoningParserTest, CutOffReasoningHasNoContent) { EXPECT_EQ(Parse(true, "so far\n"), (Split{"so far", ""})); }

TEST(ReasoningParserTest, WithoutReasoningTextPassesUnchanged) {
  EXPECT_EQ(Parse(false, "\n\nhello </think> x"), (Split{"", "\n\nhello </think> x"}));
  EXPECT_EQ(Parse(false, ""), (Split{"", ""}));
}

TEST(ReasoningParserTest, ACompletionMayOpenThinkingItself) {
  EXPECT_EQ(Parse(false, "<think>\na\n</think>\n\nb"), (Split{"a", "b"}));
  EXPECT_EQ(Parse(false, "x<think>a"), (Split{"", "x<think>a"}));
}

TEST(ReasoningParserTest, TheSecondMarkIsText) { EXPECT_EQ(Parse(true, "a</think>b</think>c"), (Split{"a", "b</think>c"})); }

TEST(ReasoningParserTest, ASpelledMarkIsNotTheToken) {
  const auto tokenizer = MakeTinyTokenizer();
  std::vector<int32_t> ids = tokenizer->Encode("say </think> now", AddedTokens::kText);
  ids.push_back(*tokenizer->AddedTokenId("</think>"));
  ids.push_back(262);
  ids.push_back(1);
  EXPECT_EQ(Parse(*tokenizer, true, ids), (Split{"say </think> now", "hello"}));
}

TEST(ReasoningParserTest, CharactersCutByTheMarkAreReplaced) {
  const auto tokenizer = MakeTinyTokenizer();
  const int32_t end_think = *tokenizer->AddedTokenId("</think>");
  EXPECT_EQ(Parse(*tokenizer, true, {kTinyFirstByte + 0xC3, end_think, kTinyFirstByte + 0xA9}), (Split{"\uFFFD", "\uFFFD"}));
}

TEST(ReasoningParserTest, StreamsAsSoonAsItCan) {
  const auto tokenizer = MakeTinyTokenizer();
  ReasoningParser parser(*tokenizer, true);
  EXPECT_TRUE(parser.thinking());
  EXPECT_EQ(parser.Add(262).reasoning, "hello");
  EXPECT_EQ(parser.Add(kTinyFirstByte + '\n').reasoning, "");
  EXPECT_EQ(parser.Add(kTinyFirstByte + 'x').reasoning, "\nx");
  parser.Add(*tokenizer->AddedTokenId("</think>"));
  EXPECT_FALSE(parser.thinking());
  EXPECT_EQ(parser.Add(262).content, "hello");
}

// Without the tokens in the vocabulary the text is looked at, however it is cut.
TEST(ReasoningParserTest, TextFallback) {
  TinyTokenizerOptions options;
  options.added = {};
  const auto bytes = MakeTinyTokenizer(options);
  options.merges = {"t h", "i n", "th in", "thin k", "< /", "</ think", "</think >", "< think", "<think >", "> Ċ"};
  const auto words = MakeTinyTokenizer(options);
  for (const Tokenizer* tokenizer : {bytes.get(), words.get()}) {
    const auto run = [&](bool opened, const std::string& text) {
      return Parse(*tokenizer, opened, tokenizer->Encode(text, AddedTokens::kText));
    };
    EXPECT_EQ(run(true, "a </thin\n</think>\n\nb </think>"), (Split{"a </thin", "b </think>"}));
    EXPECT_EQ(run(false, "<think>\na</think>b"), (Split{"a", "b"}));
    EXPECT_EQ(run(false, "<thin"), (Split{"", "<thin"}));
    EXPECT_EQ(run(false, "x<think>"), (Split{"", "x<think>"}));
    EXPECT_EQ(run(true, "cut </thi"), (Split{"cut </thi", ""}));
  }
}

}  // namespace
}  // namespace baleen
