#include "model/tokenizer/detokenizer.h"

#include "gtest/gtest.h"
#include "model/tokenizer/tiny_tokenizer.h"
#include "model/tokenizer/utf8.h"

namespace baleen {
namespace {

// What Python's bytes.decode(errors="replace") gives.
struct Case {
  std::string bytes;
  std::string text;
};

const std::vector<Case>& Cases() {
  static const auto* const cases = new std::vector<Case>{
      {"plain", "plain"},
      {"h\xC3\xA9 你好 😀👨‍👩‍👧 é", "hé 你好 😀👨‍👩‍👧 é"},
      {"a\xFF\xFEz", "a\uFFFD\uFFFDz"},
      {"\xE4\xBDx", "\uFFFDx"},
      {"\xF0\x9F\x98", "\uFFFD"},
      {"\xF0\x9F\x98\xE4\xBD\xA0", "\uFFFD你"},
      {"\xE0\x80\x80", "\uFFFD\uFFFD\uFFFD"},
      {"\xED\xA0\x80", "\uFFFD\uFFFD\uFFFD"},
      {"\xC3\xC3\xA9", "\uFFFDé"},
      {"\x80\x80", "\uFFFD\uFFFD"},
      {"\xF4\x90\x80\x80", "\uFFFD\uFFFD\uFFFD\uFFFD"},
  };
  return *cases;
}

TEST(DetokenizerTest, EveryDeltaIsWholeCharacters) {
  const auto tokenizer = MakeTinyTokenizer();
  for (const Case& one : Cases()) {
    Detokenizer detokenizer(*tokenizer, false);
    std::string text;
    for (int32_t id : TinyByteIds(one.bytes)) {
      const std::string delta = detokenizer.Add(id);
      EXPECT_EQ(ValidUtf8Prefix(delta), delta.size());
      text += delta;
    }
    text += detokenizer.Finish();
    EXPECT_EQ(text, one.text) << testing::PrintToString(one.bytes);
    EXPECT_EQ(detokenizer.Finish(), "");
  }
}

// A vocabulary whose tokens end inside characters: every cut of the bytes into two tokens.
TEST(DetokenizerTest, CutPointsDoNotMatter) {
  for (const Case& one : Cases()) {
    for (size_t cut = 1; cut < one.bytes.size(); ++cut) {
      TinyTokenizerOptions options;
      options.merges = {};
      options.added = {};
      const auto tokenizer = MakeTinyTokenizer(options);
      Detokenizer detokenizer(*tokenizer, false);
      std::string head, tail;
      for (int32_t id : TinyByteIds(one.bytes.substr(0, cut))) head += detokenizer.Add(id);
      EXPECT_EQ(ValidUtf8Prefix(head), head.size());
      for (int32_t id : TinyByteIds(one.bytes.substr(cut))) tail += detokenizer.Add(id);
      EXPECT_EQ(head + tail + detokenizer.Finish(), one.text);
    }
  }
}

TEST(DetokenizerTest, TokensOfSeveralBytesCompleteTheirText) {
  TinyTokenizerOptions options;
  options.merges = {"a ä", "½ ł"};
  const auto tokenizer = MakeTinyTokenizer(options);
  Detokenizer detokenizer(*tokenizer, false);
  EXPECT_EQ(detokenizer.Add(259), "a");
  EXPECT_EQ(detokenizer.Add(260), "你");
  EXPECT_EQ(detokenizer.Finish(), "");
}

TEST(DetokenizerTest, SpecialTokensAndUnknownIds) {
  const auto tokenizer = MakeTinyTokenizer();
  Detokenizer skipping(*tokenizer, true), showing(*tokenizer, false);
  EXPECT_EQ(skipping.Add(kTinyFirstByte + 0xC3), "");
  EXPECT_EQ(skipping.Add(1), "");
  EXPECT_EQ(skipping.Add(kTinyFirstByte + 0xA9), "é");
  EXPECT_EQ(showing.Add(1), "<｜end▁of▁sentence｜>");
  EXPECT_EQ(showing.Add(1 << 20), "");
  EXPECT_EQ(skipping.Add(*tokenizer->AddedTokenId("</think>")), "</think>");
}

}  // namespace
}  // namespace baleen
