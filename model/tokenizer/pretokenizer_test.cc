#include "model/tokenizer/pretokenizer.h"

#include "gtest/gtest.h"
#include "model/tokenizer/split_regex.h"
#include "model/tokenizer/tiny_tokenizer.h"

namespace baleen {
namespace {

using Pieces = std::vector<std::string>;

Pieces Split(const std::vector<std::string>& patterns, absl::string_view text) {
  const absl::StatusOr<Pretokenizer> pretokenizer = Pretokenizer::Create(patterns);
  EXPECT_TRUE(pretokenizer.ok()) << pretokenizer.status();
  if (!pretokenizer.ok()) return {};
  Pieces pieces;
  for (absl::string_view piece : pretokenizer->Split(text)) pieces.emplace_back(piece);
  return pieces;
}

Pieces V3(absl::string_view text) { return Split(DeepseekV3Patterns(), text); }
Pieces Qwen(absl::string_view text) { return Split({QwenPattern()}, text); }

// The table of model spec section 7.
TEST(PretokenizerTest, DeepseekV3Splits) {
  EXPECT_EQ(V3("Hello, world! 12345"), (Pieces{"Hello", ",", " world", "!", " ", "123", "45"}));
  EXPECT_EQ(V3("你好world2024年"), (Pieces{"你好", "world", "202", "4", "年"}));
  EXPECT_EQ(V3(" f(x):\n    return x"), (Pieces{" f", "(x", "):\n", "   ", " return", " x"}));
  EXPECT_EQ(V3("don't __init__  \n\n x"), (Pieces{"don", "'t", " __", "init", "__", "  \n\n", " x"}));
  EXPECT_EQ(V3("apple工作1314151天～"), (Pieces{"apple", "工作", "131", "415", "1", "天", "～"}));
}

TEST(PretokenizerTest, QwenSplits) {
  EXPECT_EQ(Qwen("Hello, world! 12345"), (Pieces{"Hello", ",", " world", "!", " ", "1", "2", "3", "4", "5"}));
  EXPECT_EQ(Qwen("你好world2024年"), (Pieces{"你好world", "2", "0", "2", "4", "年"}));
  EXPECT_EQ(Qwen(" f(x):\n    return x"), (Pieces{" f", "(x", "):\n", "   ", " return", " x"}));
  EXPECT_EQ(Qwen("don't __init__  \n\n x"), (Pieces{"don", "'t", " __", "init", "__", "  \n\n", " x"}));
  EXPECT_EQ(Qwen("apple工作1314151天～"), (Pieces{"apple工作", "1", "3", "1", "4", "1", "5", "1", "天", "～"}));
}

TEST(PretokenizerTest, BytesOutsideUtf8StandAlone) {
  EXPECT_EQ(V3("ab\xFF\xFE"
               "cd"),
            (Pieces{"ab", "\xFF", "\xFE", "cd"}));
  EXPECT_EQ(V3("\xE4\xBD"), (Pieces{"\xE4", "\xBD"}));
  EXPECT_EQ(V3("12\xED\xA0\x80"
               "3"),
            (Pieces{"12", "\xED", "\xA0", "\x80", "3"}));
}

TEST(PretokenizerTest, EmptyTextHasNoPieces) { EXPECT_TRUE(V3("").empty()); }

TEST(PretokenizerTest, WithoutStepsTextIsOnePiece) { EXPECT_EQ(Split({}, "a b 1"), (Pieces{"a b 1"})); }

TEST(PretokenizerTest, OnigurumaReadingOfSpacesAndLineEnds) {
  EXPECT_EQ(Split({"\\s+"}, "a\u0085\u2003b"), (Pieces{"a", "\u0085\u2003", "b"}));
  EXPECT_EQ(Split({"\\s+"}, "a\u180Eb"), (Pieces{"a\u180Eb"}));
  EXPECT_EQ(Split({"[^\\S]"}, "a b"), (Pieces{"a", " ", "b"}));
  EXPECT_EQ(Split({"b$"}, "ab\nb"), (Pieces{"a", "b", "\n", "b"}));
  EXPECT_EQ(Split({"[\\u4E00-\\u9FA5]+"}, "a你好"), (Pieces{"a", "你好"}));
  EXPECT_EQ(Split({"[[:digit:]]"}, "a1]"), (Pieces{"a", "1", "]"}));
}

TEST(PretokenizerTest, MatchesOfNothingCutNothing) { EXPECT_EQ(Split({"x*"}, "aéxx"), (Pieces{"aé", "xx"})); }

TEST(PretokenizerTest, LiteralsAreQuoted) {
  EXPECT_EQ(Split({QuoteRegex(".*[|]")}, "a.*[|]b.x"), (Pieces{"a", ".*[|]", "b.x"}));
  EXPECT_EQ(Split({QuoteRegex("▁")}, "a▁b"), (Pieces{"a", "▁", "b"}));
}

TEST(PretokenizerTest, BadPatternsAreNamed) {
  const absl::Status broken = Pretokenizer::Create({"a", "(b"}).status();
  EXPECT_EQ(broken.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_NE(broken.message().find("split step 1"), absl::string_view::npos) << broken;
  for (const char* pattern : {"[a&&[b]]", "[a[b]]", "\\h"}) {
    EXPECT_EQ(Pretokenizer::Create({pattern}).status().code(), absl::StatusCode::kUnimplemented) << pattern;
  }
  for (const char* pattern : {"", "\\u12", "[[:alpha", "\\p{Nonsense}", "\\"}) {
    EXPECT_EQ(Pretokenizer::Create({pattern}).status().code(), absl::StatusCode::kInvalidArgument) << pattern;
  }
}

TEST(PretokenizerTest, LongRunsKeepEveryByte) {
  for (const std::string& text : {std::string(200000, ' ') + "x", std::string(200000, 'a'), std::string(200000, '\n')}) {
    std::string joined;
    for (const std::string& piece : V3(text)) joined += piece;
    EXPECT_EQ(joined, text);
  }
}

}  // namespace
}  // namespace baleen
