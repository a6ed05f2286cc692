#include "transport/ucx/fragment.h"

#include <gtest/gtest.h>

#include <vector>

namespace baleen {
namespace {

TEST(FragmentTest, HeaderSurvivesTheWire) {
  const FragmentHeader header{.session = 0x0102030405060708,
                              .token = DrawToken(),
                              .kind = FragmentKind::kData,
                              .offset = 7,
                              .sequence = uint64_t{1} << 40,
                              .header_bytes = 100,
                              .payload_bytes = 200};
  const WireFragmentHeader wire = EncodeFragmentHeader(header);
  EXPECT_EQ(wire[0], std::byte{8}) << "little-endian";
  const auto decoded = DecodeFragmentHeader(wire);
  ASSERT_TRUE(decoded.has_value());
  EXPECT_EQ(decoded->session, header.session);
  EXPECT_EQ(decoded->token, header.token);
  EXPECT_EQ(decoded->kind, header.kind);
  EXPECT_EQ(decoded->offset, header.offset);
  EXPECT_EQ(decoded->sequence, header.sequence);
  EXPECT_EQ(decoded->header_bytes, header.header_bytes);
  EXPECT_EQ(decoded->payload_bytes, header.payload_bytes);
}

TEST(FragmentTest, WrongSizesAndKindsAreNone) {
  const std::vector<std::byte> zeros(kFragmentHeaderBytes + 1);
  EXPECT_FALSE(DecodeFragmentHeader({}).has_value());
  EXPECT_FALSE(DecodeFragmentHeader({zeros.data(), kFragmentHeaderBytes - 1}).has_value());
  EXPECT_FALSE(DecodeFragmentHeader({zeros.data(), kFragmentHeaderBytes}).has_value()) << "kind 0";
  EXPECT_FALSE(DecodeFragmentHeader(EncodeFragmentHeader({.kind = static_cast<FragmentKind>(5)})).has_value());
  WireFragmentHeader good = EncodeFragmentHeader({.kind = FragmentKind::kAck});
  EXPECT_TRUE(DecodeFragmentHeader(good).has_value());
  std::vector<std::byte> longer(good.begin(), good.end());
  longer.push_back({});
  EXPECT_FALSE(DecodeFragmentHeader(longer).has_value());
}

TEST(FragmentTest, TokensDifferInEveryByte) {
  const SessionToken token = DrawToken();
  EXPECT_TRUE(TokensMatch(token, token));
  EXPECT_NE(token, DrawToken());
  for (size_t i = 0; i < token.size(); ++i) {
    SessionToken other = token;
    other[i] ^= 1;
    EXPECT_FALSE(TokensMatch(token, other)) << i;
  }
}

}  // namespace
}  // namespace baleen
