#include "base/percent_decode.h"

#include <gtest/gtest.h>

namespace baleen {
namespace {

TEST(PercentDecodeTest, EscapesAreBytes) {
  EXPECT_EQ(PercentDecode(""), "");
  EXPECT_EQ(PercentDecode("a+b/%63%2f"), "a+b/c/");
  EXPECT_EQ(PercentDecode("%2541"), "%41");
  EXPECT_EQ(PercentDecode("%FF%c3"), "\xFF\xC3");
}

TEST(PercentDecodeTest, AnEscapeHasTwoDigits) {
  for (const char* text : {"%", "a%4", "%4g", "%g4", "%+1", "%%41"}) EXPECT_FALSE(PercentDecode(text).has_value()) << text;
}

}  // namespace
}  // namespace baleen
