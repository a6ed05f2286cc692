#include "services/kv/transfer/crc32c.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace baleen {
namespace {

uint32_t Of(const std::vector<uint8_t>& bytes) { return Crc32c(reinterpret_cast<const std::byte*>(bytes.data()), bytes.size()); }

// RFC 3720 appendix B.4.
TEST(Crc32cTest, KnownVectors) {
  EXPECT_EQ(Of(std::vector<uint8_t>(32, 0)), 0x8a9136aau);
  EXPECT_EQ(Of(std::vector<uint8_t>(32, 0xff)), 0x62a8ab43u);
  std::vector<uint8_t> ascending(32);
  for (uint8_t i = 0; i < 32; ++i) ascending[i] = i;
  EXPECT_EQ(Of(ascending), 0x46dd794eu);
  EXPECT_EQ(Of({'1', '2', '3', '4', '5', '6', '7', '8', '9'}), 0xe3069283u);
  EXPECT_EQ(Of({}), 0u);
}

TEST(Crc32cTest, AnyFlippedBitShows) {
  std::vector<uint8_t> bytes(77, 0x5a);
  const uint32_t before = Of(bytes);
  for (size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    bytes[bit / 8] ^= static_cast<uint8_t>(1u << (bit % 8));
    EXPECT_NE(Of(bytes), before);
    bytes[bit / 8] ^= static_cast<uint8_t>(1u << (bit % 8));
  }
}

TEST(Crc32cTest, AnyProcessorComputesTheSame) {
  std::vector<std::byte> bytes(300);
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(i * 37 + i / 7);
  for (size_t first = 0; first < 9; ++first) {
    for (size_t size = 0; first + size <= bytes.size(); ++size) {
      ASSERT_EQ(Crc32c(bytes.data() + first, size), PortableCrc32c(bytes.data() + first, size)) << first << " " << size;
    }
  }
}

}  // namespace
}  // namespace baleen
