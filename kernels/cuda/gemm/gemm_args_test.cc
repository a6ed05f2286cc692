#include <algorithm>
#include <map>
#include <random>
#include <set>
#include <span>
#include <tuple>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "kernels/cuda/gemm/gemm.h"
#include "kernels/cuda/gemm/staging.h"
#include "kernels/cuda/gemm/tile_schedule.h"

namespace baleen::cuda {
namespace {

// Addresses that nothing reads.
template <typename T>
T* At(uintptr_t address) {
  return reinterpret_cast<T*>(address);
}

GemmArgs Good() {
  GemmArgs args;
  args.input = DType::kF8E4m3;
  args.x = At<void>(0x1000);
  args.w = At<void>(0x1000);
  args.y = At<void>(0x1000);
  args.x_scale = At<float>(0x1000);
  args.w_scale = At<float>(0x1000);
  args.x_scale_stride = 12;
  args.rows = 10;
  args.outputs = args.ldy = 256;
  args.inputs = args.ldx = 512;
  return args;
}

TEST(GemmProblemTest, GoodArguments) {
  EXPECT_EQ(GemmProblem(Good()), "");
  GemmArgs args = Good();
  args.rows = 0;
  args.x = nullptr;
  EXPECT_EQ(GemmProblem(args), "") << "without rows no pointer is looked at";
}

TEST(GemmProblemTest, NamesWhatIsWrong) {
  const auto problem = [](auto change) {
    GemmArgs args = Good();
    change(args);
    return GemmProblem(args);
  };
  EXPECT_EQ(problem([](GemmArgs& args) { args.input = DType::kI8; }), "Gemm: input is neither F8_E4M3 nor BF16");
  EXPECT_EQ(problem([](GemmArgs& args) { args.rows = -1; }), "Gemm: rows is -1, at least 0");
  EXPECT_EQ(problem([](GemmArgs& args) { args.outputs = 252; }), "Gemm: outputs is 252, not a multiple of 8");
  EXPECT_EQ(problem([](GemmArgs& args) { args.inputs = 500; }), "Gemm: inputs in bytes is 500, not a multiple of 16");
  EXPECT_EQ(problem([](GemmArgs& args) { args.ldx = 496; }), "Gemm: ldx is 496, at least 512");
  EXPECT_EQ(problem([](GemmArgs& args) { args.ldy = int64_t{1} << 31; }), "Gemm: ldy is 2147483648, at most 2147479552");
  EXPECT_EQ(problem([](GemmArgs& args) { args.x = At<void>(0x1008); }), "Gemm: x is not aligned to 16 bytes");
  EXPECT_EQ(problem([](GemmArgs& args) { args.x_scale = nullptr; }), "Gemm: x_scale is null");
  EXPECT_EQ(problem([](GemmArgs& args) { args.x_scale_stride = 8; }), "Gemm: x_scale_stride is 8, at least 10");
  EXPECT_EQ(problem([](GemmArgs& args) { args.groups = 2; }), "Gemm: a dense product has one group");
  EXPECT_EQ(problem([](GemmArgs& args) { args.grouping = RowGroups::kContiguous; }), "Gemm: group_rows is null");
  EXPECT_EQ(problem([](GemmArgs& args) { args.groups = 1025; }), "Gemm: groups is 1025, at most 1024");
  EXPECT_EQ(problem([](GemmArgs& args) { args.grouping = RowGroups::kBatched, args.group_y_stride = 256; }), "Gemm: batches are BF16");
  EXPECT_EQ(problem([](GemmArgs& args) {
              args.grouping = RowGroups::kMasked;
              args.groups = 3;
              args.group_rows = At<int32_t>(0x1000);
            }),
            "Gemm: rows is 10, not a multiple of 3");
}

TEST(GemmTileTest, IsOneThatThereIsAndSuits) {
  for (const DType input : {DType::kF8E4m3, DType::kBf16}) {
    for (const DType output : {DType::kBf16, DType::kF32}) {
      const std::span<const GemmTile> tiles = GemmTiles(input, output);
      for (const int64_t outputs : {8, 576, 2112, 7168}) {
        for (const int64_t rows : {1, 64, 65, 300, 5000}) {
          const GemmTile tile = ChooseGemmTile({input, output, 3, rows, outputs, 1536}, 132);
          EXPECT_NE(std::find(tiles.begin(), tiles.end(), tile), tiles.end());
          EXPECT_TRUE(GemmTileSuits(tile, outputs)) << tile.outputs << " of " << outputs << ", cluster of " << tile.cluster;
        }
      }
    }
  }
}

TEST(GemmTileTest, FewTilesAreCutSmaller) {
  const auto tile_of = [](int64_t rows, int64_t outputs, int64_t inputs) {
    return ChooseGemmTile({DType::kF8E4m3, DType::kBf16, 1, rows, outputs, inputs}, 132);
  };
  const GemmTile few = tile_of(64, 2112, 7168);
  EXPECT_GE(Ceiling(2112, few.outputs), 66) << "half of the multiprocessors would have nothing to do";
  const GemmTile many = tile_of(4096, 7168, 18432);
  EXPECT_EQ(many.rows * many.outputs, 256 * 128) << "the more sums, the fewer bytes each";
}

TEST(GemmTileTest, ArgumentsMayNameOne) {
  GemmArgs args = Good();
  args.tile = {64, 128, 2};
  EXPECT_EQ(GemmProblem(args), "");
  EXPECT_EQ(GemmTileOf(args, 132), args.tile);
  args.tile = {64, 100, 1};
  EXPECT_EQ(GemmProblem(args), "Gemm: there is no such tile");
  args.tile = {64, 128, 2};
  args.outputs = 128;
  EXPECT_EQ(GemmProblem(args), "Gemm: the tile's cluster does not divide the tiles beside each other");
}

// Every tile of every group exactly once, whatever the groups' sizes.
TEST(TileScheduleTest, CoversEveryTileOnce) {
  std::mt19937 generator(1);
  for (int round = 0; round < 200; ++round) {
    const int groups = 1 + static_cast<int>(generator() % 40);
    const int n_tiles = 1 + static_cast<int>(generator() % 9);
    std::vector<int32_t> m_tiles;
    std::vector<int32_t> ends;
    for (int group = 0; group < groups; ++group) {
      m_tiles.push_back(generator() % 3 == 0 ? 0 : static_cast<int32_t>(generator() % 50));
      ends.push_back((ends.empty() ? 0 : ends.back()) + m_tiles.back());
    }
    std::map<std::tuple<int, int, int>, int> seen;
    for (int index = 0; index < ends.back() * n_tiles; ++index) {
      const Tile tile = TileAt(index, ends.data(), groups, n_tiles);
      ASSERT_TRUE(tile.group >= 0 && tile.group < groups && tile.m >= 0 && tile.m < m_tiles[static_cast<size_t>(tile.group)]);
      ASSERT_TRUE(tile.n >= 0 && tile.n < n_tiles);
      ++seen[{tile.group, tile.m, tile.n}];
    }
    EXPECT_EQ(static_cast<int64_t>(seen.size()), int64_t{ends.back()} * n_tiles);
  }
}

// Tiles that run at the same time share their weights: within a band the columns come one after the other.
TEST(TileScheduleTest, WalksBandsColumnByColumn) {
  const int32_t ends[] = {40};
  for (int index = 1; index < kBandTiles * 5; ++index) {
    const Tile before = TileAt(index - 1, ends, 1, 5);
    const Tile tile = TileAt(index, ends, 1, 5);
    EXPECT_EQ(tile.m, index % kBandTiles);
    EXPECT_EQ(tile.n, before.n + (tile.m == 0 ? 1 : 0));
  }
}

template <typename Width>
class StagingTest : public ::testing::Test {};
using Widths = ::testing::Types<Staging<16>, Staging<32>, Staging<64>, Staging<128>, Staging<192>>;
TYPED_TEST_SUITE(StagingTest, Widths);

// Every element that a warp's lanes hold goes in once, and comes out once, where it belongs.
TYPED_TEST(StagingTest, KeepsEveryElement) {
  for (int box = 0; box < TypeParam::kBoxes; ++box) {
    std::map<int, std::pair<int, int>> staged;  // Byte -> element.
    for (int lane = 0; lane < 32; ++lane) {
      for (int value = box * TypeParam::kValues; value < (box + 1) * TypeParam::kValues; ++value) {
        staged[TypeParam::Offset(lane, value / 2 * 2) + value % 2 * 2] = {FragmentRow(lane, value), FragmentColumn(lane, value)};
      }
    }
    ASSERT_EQ(staged.size(), static_cast<size_t>(kStagedRows * TypeParam::kColumns));
    ASSERT_LE(staged.rbegin()->first + 2, kStagedBoxBytes);
    std::set<std::pair<int, int>> taken;
    for (int lane = 0; lane < 32; ++lane) {
      for (int pass = 0; pass < TypeParam::kPasses; ++pass) {
        const int row = TypeParam::Row(lane, pass);
        for (int i = 0; i < 8; ++i) {
          const int column = TypeParam::Column(lane) + i;
          const int byte = TypeParam::InBox(row, TypeParam::Column(lane)) + 2 * i;
          EXPECT_EQ(staged[byte], std::make_pair(row, box * TypeParam::kColumns + column));
          EXPECT_EQ(static_cast<uint32_t>(byte), SwizzledOffset(static_cast<uint32_t>(row), static_cast<uint32_t>(column * 2)))
              << "the copy engine looks for it there";
          taken.insert({row, column});
        }
      }
    }
    EXPECT_EQ(taken.size(), staged.size());
  }
}

// A warp writes 4 bytes a lane at a time: each to a bank of its own.
TYPED_TEST(StagingTest, HitsNoBankTwice) {
  for (int value = 0; value < TypeParam::kValues; value += 2) {
    std::set<int> banks;
    for (int lane = 0; lane < 32; ++lane) banks.insert(TypeParam::Offset(lane, value) / 4 % 32);
    EXPECT_EQ(banks.size(), 32u) << value;
  }
}

}  // namespace
}  // namespace baleen::cuda
