#include "model/sampling/philox.h"

#include "gtest/gtest.h"

namespace baleen {
namespace {

using Words = std::array<uint32_t, 4>;

// Random123's known answers (kat_vectors, philox4x32 10).
TEST(PhiloxTest, KnownAnswers) {
  EXPECT_EQ(Philox4x32({0, 0, 0, 0}, {0, 0}), (Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(Philox4x32({0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, {0xffffffff, 0xffffffff}),
            (Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(Philox4x32({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
            (Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(PhiloxTest, UniformUsesTheTopBitsOfTwoWords) {
  // 0x6627e8d5 and the top 21 bits of 0xe169c58d.
  EXPECT_EQ(PhiloxUniform(0, 0, 0), static_cast<double>(uint64_t{0x6627e8d5} << 21 | 0xe169c58du >> 11) / 9007199254740992.0);
}

TEST(PhiloxTest, SeedChoiceAndPositionAllCount) {
  const double base = PhiloxUniform(1, 2, 3);
  EXPECT_EQ(PhiloxUniform(1, 2, 3), base);
  EXPECT_NE(PhiloxUniform(2, 2, 3), base);
  EXPECT_NE(PhiloxUniform(uint64_t{1} << 32 | 1, 2, 3), base);
  EXPECT_NE(PhiloxUniform(1, 3, 3), base);
  EXPECT_NE(PhiloxUniform(1, 2, 4), base);
  EXPECT_NE(PhiloxUniform(1, 2, uint64_t{1} << 32 | 3), base);
}

}  // namespace
}  // namespace baleen
