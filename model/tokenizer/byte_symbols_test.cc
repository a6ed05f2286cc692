#include "model/tokenizer/byte_symbols.h"

#include <set>

#include "gtest/gtest.h"

namespace baleen {
namespace {

TEST(ByteSymbolsTest, KnownSymbols) {
  EXPECT_EQ(ByteSymbols()['A'], "A");
  EXPECT_EQ(ByteSymbols()[' '], "Ġ");
  EXPECT_EQ(ByteSymbols()['\n'], "Ċ");
  EXPECT_EQ(ByteSymbols()[0], "Ā");
  EXPECT_EQ(ByteSymbols()[0xAD], "Ń");
  EXPECT_EQ(ByteSymbols()[0xFF], "ÿ");
}

TEST(ByteSymbolsTest, EveryByteRoundTrips) {
  std::set<std::string> distinct;
  for (int byte = 0; byte < 256; ++byte) {
    distinct.insert(ByteSymbols()[byte]);
    EXPECT_EQ(BytesOfSymbols(ByteSymbols()[byte]), std::string(1, static_cast<char>(byte)));
  }
  EXPECT_EQ(distinct.size(), 256u);
}

TEST(ByteSymbolsTest, TextOutsideTheAlphabetStandsForItself) {
  EXPECT_EQ(BytesOfSymbols("ä½ł"), "你");
  EXPECT_EQ(BytesOfSymbols("<｜User｜>"), "<｜User｜>");
  EXPECT_EQ(BytesOfSymbols("a b"), "a b");
}

}  // namespace
}  // namespace baleen
