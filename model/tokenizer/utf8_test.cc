#include "model/tokenizer/utf8.h"

#include "gtest/gtest.h"

namespace baleen {
namespace {

using Kind = Utf8Step::Kind;

struct Case {
  std::string text;
  Kind kind;
  size_t length;
};

TEST(Utf8Test, Steps) {
  const std::vector<Case> cases = {
      {"a", Kind::kCharacter, 1},
      {"\xC3\xA9", Kind::kCharacter, 2},
      {"\xE4\xBD\xA0x", Kind::kCharacter, 3},
      {"\xF0\x9F\x98\x80", Kind::kCharacter, 4},
      {"\xC3", Kind::kIncomplete, 1},
      {"\xF0\x9F\x98", Kind::kIncomplete, 3},
      {"\xF0\x9F\x98x", Kind::kInvalid, 3},
      {"\x80", Kind::kInvalid, 1},
      {"\xC0\x80", Kind::kInvalid, 1},          // Overlong.
      {"\xE0\x80\x80", Kind::kInvalid, 1},      // Overlong.
      {"\xED\xA0\x80", Kind::kInvalid, 1},      // Surrogate.
      {"\xF4\x90\x80\x80", Kind::kInvalid, 1},  // Above U+10FFFF.
      {"\xFF", Kind::kInvalid, 1},
  };
  for (const Case& one : cases) {
    const Utf8Step step = NextUtf8(one.text);
    EXPECT_EQ(static_cast<int>(step.kind), static_cast<int>(one.kind)) << testing::PrintToString(one.text);
    EXPECT_EQ(step.length, one.length) << testing::PrintToString(one.text);
  }
}

TEST(Utf8Test, AppendedScalarsAreOneCharacterEach) {
  for (char32_t code : {0u, 0x7Fu, 0x80u, 0x7FFu, 0x800u, 0xFFFDu, 0x10000u, 0x10FFFFu}) {
    std::string text;
    AppendUtf8(code, &text);
    const Utf8Step step = NextUtf8(text);
    EXPECT_EQ(static_cast<int>(step.kind), static_cast<int>(Kind::kCharacter));
    EXPECT_EQ(step.length, text.size());
  }
}

TEST(Utf8Test, ValidPrefixEndsAtTheFirstBadByte) {
  EXPECT_EQ(ValidUtf8Prefix(""), 0u);
  EXPECT_EQ(ValidUtf8Prefix("h\xC3\xA9llo"), 6u);
  EXPECT_EQ(ValidUtf8Prefix("ab\xFFz"), 2u);
  EXPECT_EQ(ValidUtf8Prefix("ab\xE4\xBD"), 2u);
}

}  // namespace
}  // namespace baleen
