#include <algorithm>
#include <cmath>
#include <cstring>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/dtype.h"
#include "gtest/gtest.h"
#include "kernels/cuda/base/check_args.h"
#include "kernels/cuda/base/fragment.h"
#include "kernels/cuda/base/ordered_key.h"
#include "kernels/cuda/base/quantize_row.h"
#include "kernels/cuda/base/row_groups.h"
#include "kernels/cuda/base/sigmoid.h"
#include "kernels/cuda/base/swizzle.h"

namespace baleen::cuda {
namespace {

TEST(ArgumentCheckTest, KeepsTheFirstComplaint) {
  int aligned = 0;
  EXPECT_EQ(ArgumentCheck("Op").AtLeast("rows", 1, 0).AtMost("rows", 1, 1).Multiple("k", 4, 2).Aligned("x", &aligned, 4).problem(), "");
  EXPECT_EQ(ArgumentCheck("Op").AtLeast("rows", -1, 0).NotNull("x", nullptr).problem(), "Op: rows is -1, at least 0");
  EXPECT_EQ(ArgumentCheck("Op").AtMost("groups", 9, 8).problem(), "Op: groups is 9, at most 8");
  EXPECT_EQ(ArgumentCheck("Op").Multiple("k", 5, 2).problem(), "Op: k is 5, not a multiple of 2");
  EXPECT_EQ(ArgumentCheck("Op").NotNull("x", nullptr).problem(), "Op: x is null");
  EXPECT_EQ(ArgumentCheck("Op").Aligned("x", reinterpret_cast<const char*>(&aligned) + 1, 4).problem(), "Op: x is not aligned to 4 bytes");
  EXPECT_EQ(ArgumentCheck("Op").That(false, "no").problem(), "Op: no");
}

TEST(OrderedKeyTest, OrdersAsFloatsDo) {
  const std::vector<float> ascending = {-INFINITY, -3e38f, -1.5f, -1e-40f, 0.0f, 1e-40f, 1.0f, 3e38f, INFINITY};
  for (size_t i = 1; i < ascending.size(); ++i) EXPECT_LT(OrderedKey(ascending[i - 1]), OrderedKey(ascending[i]));
  EXPECT_EQ(OrderedKey(-0.0f), OrderedKey(0.0f));
  EXPECT_EQ(OrderedKey(NAN), OrderedKey(-INFINITY));
  EXPECT_GT(OrderedKey(NAN), 0u);
}

TEST(OrderedKeyTest, RanksPutTheLowerIndexFirst) {
  EXPECT_GT(RankOf(1.0f, 7), RankOf(1.0f, 8));
  EXPECT_GT(RankOf(1.5f, 8), RankOf(1.0f, 7));
  EXPECT_EQ(IndexOfRank(RankOf(-2.0f, 12345)), 12345u);
}

// Model spec section 11, item 16, with the floor of section 5.
TEST(QuantizeRowTest, ScalesByTheGreatest) {
  EXPECT_FLOAT_EQ(ScaleOf(2.0f).scale, 0.004464285714f);
  EXPECT_FLOAT_EQ(ScaleOf(0.0f).scale, 2.232142857e-07f);
  EXPECT_EQ(QuantizeFour(0, 0, 0, 0, ScaleOf(0).inverse), 0u);
  EXPECT_EQ(QuantizeFour(1, -1, 448, 1e9f, 1.0f), 0x7e7eb838u);
}

TEST(QuantizeRowTest, IsOffByHalfACodeAtMost) {
  std::mt19937 generator(1);
  std::normal_distribution<float> normal;
  for (int round = 0; round < 1000; ++round) {
    float x[4];
    for (float& value : x) value = normal(generator);
    const float greatest = std::max({std::fabs(x[0]), std::fabs(x[1]), std::fabs(x[2]), std::fabs(x[3])});
    const BlockScale scale = ScaleOf(greatest);
    const uint32_t codes = QuantizeFour(x[0], x[1], x[2], x[3], scale.inverse);
    for (int i = 0; i < 4; ++i) {
      const float back = F8E4m3ToF32(static_cast<uint8_t>(codes >> 8 * i)) * scale.scale;
      EXPECT_NEAR(back, x[i], std::max(std::fabs(x[i]) / 16, 0x1p-10f * scale.scale) * 1.0001f);
    }
  }
}

TEST(SigmoidTest, AgreesWithDoubles) {
  for (float x = -79.9f; x < 79.9f; x += 0.0037f) {
    const double expected = 1 / (1 + std::exp(-static_cast<double>(x)));
    EXPECT_NEAR(SigmoidF32(x) / expected, 1, 1e-6) << x;
  }
  EXPECT_EQ(SigmoidF32(0), 0.5f);
  EXPECT_EQ(SigmoidF32(1000), 1.0f);
  EXPECT_GE(SigmoidF32(-INFINITY), 0.0f);
  EXPECT_TRUE(std::isnan(SigmoidF32(NAN)));
}

TEST(RowGroupsTest, SayWhereRowsLie) {
  const int32_t offsets[] = {0, 3, 3, 8};
  EXPECT_EQ(RowsOfGroup(RowGroups::kContiguous, offsets, 3, 10, 2).begin, 3);
  EXPECT_EQ(RowsOfGroup(RowGroups::kContiguous, offsets, 3, 10, 2).count, 5);
  EXPECT_EQ(RowsOfGroup(RowGroups::kContiguous, offsets, 3, 10, 1).count, 0);
  EXPECT_TRUE(HasGroup(RowGroups::kContiguous, offsets, 3, 10, 7));
  EXPECT_FALSE(HasGroup(RowGroups::kContiguous, offsets, 3, 10, 8));
  const int32_t counts[] = {2, 0, 99};
  EXPECT_EQ(RowsOfGroup(RowGroups::kMasked, counts, 3, 12, 2).begin, 8);
  EXPECT_EQ(RowsOfGroup(RowGroups::kMasked, counts, 3, 12, 2).count, 4) << "a count beyond the group's own rows";
  EXPECT_TRUE(HasGroup(RowGroups::kMasked, counts, 3, 12, 1));
  EXPECT_FALSE(HasGroup(RowGroups::kMasked, counts, 3, 12, 2));
  EXPECT_FALSE(HasGroup(RowGroups::kMasked, counts, 3, 12, 4));
  EXPECT_EQ(RowsOfGroup(RowGroups::kDense, nullptr, 1, 12, 0).count, 12);
}

TEST(FragmentTest, CoversTheProductOnce) {
  std::set<std::pair<int, int>> held;
  for (int thread = 0; thread < 128; ++thread) {
    for (int value = 0; value < 64; ++value) held.insert({FragmentRow(thread, value), FragmentColumn(thread, value)});
  }
  EXPECT_EQ(held.size(), 64u * 128u);
  EXPECT_EQ(FragmentRow(33, 2), 24);
  EXPECT_EQ(FragmentColumn(33, 7), 11);
}

// What the tensor cores read at a descriptor (PTX ISA, "Canonical layouts", 128-byte swizzle), for 16-bit values. A test's own model of the
// hardware: address bits 4-6 are XORed with bits 7-9 of the address itself.
uint32_t Swizzle(uint32_t address) { return address ^ (address >> 7 & 7u) << 4; }
uint32_t Field(uint64_t descriptor, int bit) { return static_cast<uint32_t>(descriptor >> bit & 0x3fffu) << 4; }
uint32_t AddressAlongK(uint64_t descriptor, uint32_t row, uint32_t k) {
  return Swizzle(Field(descriptor, 0) + row / 8 * Field(descriptor, 32) + row % 8 * 128 + k * 2);
}
uint32_t AddressAlongN(uint64_t descriptor, uint32_t n, uint32_t k) {
  return Swizzle(Field(descriptor, 0) + n / 64 * Field(descriptor, 16) + k / 8 * Field(descriptor, 32) + k % 8 * 128 + n % 64 * 2);
}

TEST(SwizzleTest, RowsStayInTheirRowsAndChunksInOnePiece) {
  std::vector<char> seen(64 * 128, 0);
  for (uint32_t row = 0; row < 64; ++row) {
    for (uint32_t byte = 0; byte < 128; ++byte) {
      const uint32_t offset = SwizzledOffset(row, byte);
      EXPECT_EQ(offset / 128, row);
      EXPECT_EQ(offset % 16, byte % 16);
      EXPECT_EQ(offset, Swizzle(row * 128 + byte));
      seen[offset] = 1;
    }
  }
  EXPECT_EQ(std::count(seen.begin(), seen.end(), 1), 64 * 128);
}

TEST(DescriptorTest, NamesItsFields) {
  const uint64_t descriptor = MatrixDescriptor(0x12340, 16, 1024);
  EXPECT_EQ(Field(descriptor, 0), 0x12340u);
  EXPECT_EQ(Field(descriptor, 16), 16u);
  EXPECT_EQ(Field(descriptor, 32), 1024u);
  EXPECT_EQ(descriptor >> 62, 1u);
}

// A tile [64 rows, 64 values] as the copy engine leaves it; every step of 16 values finds its own.
TEST(DescriptorTest, StepsAlongKFindTheirValues) {
  constexpr uint32_t kTile = 0x8400;
  for (uint32_t step = 0; step < 4; ++step) {
    const uint64_t descriptor = Advance(RowsAlongK(kTile), 32 * step);
    for (uint32_t row = 0; row < 64; ++row) {
      for (uint32_t k = 0; k < 16; ++k) EXPECT_EQ(AddressAlongK(descriptor, row, k), kTile + SwizzledOffset(row, (16 * step + k) * 2));
    }
  }
}

// Keys [64] of four tiles of 64 channels each: step `step` multiplies keys 16 step .. 16 step + 15.
TEST(DescriptorTest, StepsAlongNFindTheirValues) {
  constexpr uint32_t kTiles = 0x4000;
  constexpr uint32_t kTileBytes = 64 * 128;
  for (uint32_t step = 0; step < 4; ++step) {
    const uint64_t descriptor = Advance(RowsAlongN(kTiles, kTileBytes), step * 2 * kSwizzleAtomBytes);
    for (uint32_t n = 0; n < 256; ++n) {
      for (uint32_t k = 0; k < 16; ++k) {
        EXPECT_EQ(AddressAlongN(descriptor, n, k), kTiles + n / 64 * kTileBytes + SwizzledOffset(16 * step + k, n % 64 * 2));
      }
    }
  }
}

}  // namespace
}  // namespace baleen::cuda
