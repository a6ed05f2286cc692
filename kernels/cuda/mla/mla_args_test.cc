
#include "gtest/gtest.h"
#include "kernels/cuda/mla/mla.h"
#include "kernels/cuda/mla/splits.h"

namespace baleen::cuda {
namespace {

template <typename T>
T* At(uintptr_t address) {
  return reinterpret_cast<T*>(address);
}

MlaArgs Good() {
  MlaArgs args;
  args.rows = 3;
  args.heads = 128;
  args.scale = 0.1f;
  args.largest_position = 100;
  args.query = At<Bf16>(0x1000);
  args.pages = At<Bf16>(0x1000);
  args.page_count = 9;
  args.blocks = args.first_block = args.positions = At<int32_t>(0x1000);
  args.context = At<Bf16>(0x1000);
  return args;
}

TEST(MlaProblemTest, NamesWhatIsWrong) {
  EXPECT_EQ(MlaProblem(Good()), "");
  const auto problem = [](auto change) {
    MlaArgs args = Good();
    change(args);
    return MlaProblem(args);
  };
  EXPECT_EQ(problem([](MlaArgs& args) { args.heads = 0; }), "Mla: heads is 0, at least 1");
  EXPECT_EQ(problem([](MlaArgs& args) { args.scale = 0; }), "Mla: scale is not above 0");
  EXPECT_EQ(problem([](MlaArgs& args) { args.pages = At<Bf16>(0x1002); }), "Mla: pages is not aligned to 16 bytes");
  EXPECT_EQ(problem([](MlaArgs& args) { args.largest_position = kSplitKeys; }), "Mla: workspace is null");
  EXPECT_EQ(problem([](MlaArgs& args) { args.positions = nullptr; }), "Mla: positions is null");
  EXPECT_EQ(problem([](MlaArgs& args) { args.latent = 1032; }), "Mla: latent is 1032, at most 1024");
  EXPECT_EQ(problem([](MlaArgs& args) { args.rope = 60; }), "Mla: latent + rope is 572, not a multiple of 8");
  EXPECT_EQ(problem([](MlaArgs& args) {
              args.latent = 64;
              args.largest_position = kSplitKeys;
            }),
            "")
      << "other shapes need no workspace";
}

// The splits of a row cover its keys once, in order, and are full but for the last.
TEST(SplitsTest, CoverEveryKeyOnce) {
  for (const int64_t position : {0, 1, 63, 64, kSplitKeys - 1, kSplitKeys, kSplitKeys + 63, 3 * kSplitKeys + 64, 163839}) {
    int64_t next = 0;
    for (int split = 0; split < SplitsOf(position); ++split) {
      const int blocks = BlocksOfSplit(position, split);
      ASSERT_GE(blocks, 1);
      EXPECT_TRUE(blocks == kSplitBlocks || split == SplitsOf(position) - 1);
      for (int64_t block = int64_t{split} * kSplitBlocks; block < int64_t{split} * kSplitBlocks + blocks; ++block) {
        EXPECT_EQ(block * kKeyBlock, next);
        ASSERT_GE(VisibleKeys(position, block), 1);
        next += VisibleKeys(position, block);
      }
    }
    EXPECT_EQ(next, position + 1);
    EXPECT_LE(BlocksOfSplit(position, SplitsOf(position)), 0);
  }
}

// A longer sequence leaves the splits before its last one as they were: rows of one prompt share their arithmetic.
TEST(SplitsTest, DependOnThePositionAlone) {
  for (int split = 0; split < 3; ++split) EXPECT_EQ(BlocksOfSplit(3 * kSplitKeys, split), BlocksOfSplit(9 * kSplitKeys, split));
}

// Every split is in the part in which its first unit of work is reached; parts are as long as one another, but for one split.
TEST(SplitsTest, PartsAreAboutAsLong) {
  for (const int64_t position : {0, 63, 64, kSplitKeys - 1, kSplitKeys, 3 * kSplitKeys + 64, 163839}) {
    int64_t cost = 0;
    for (int split = 0; split < SplitsOf(position); ++split) {
      EXPECT_EQ(SplitAtCost(cost), split) << "where it begins";
      cost += BlocksOfSplit(position, split) + kSplitCost - kSplitBlocks;
      EXPECT_EQ(SplitAtCost(cost - 1), split) << "where it ends";
    }
    EXPECT_EQ(cost, RowCost(position));
  }
  EXPECT_EQ(PartBegin(1000, 0, 7), 0);
  EXPECT_EQ(PartBegin(1000, 7, 7), 1000);
  for (int part = 0; part < 7; ++part)
    EXPECT_NEAR(static_cast<double>(PartBegin(1000, part + 1, 7) - PartBegin(1000, part, 7)), 1000 / 7.0, 1);
}

TEST(MlaWorkspaceTest, HoldsEveryPartial) {
  EXPECT_EQ(MlaWorkspaceFloats(7, 128, kSplitKeys - 1), 0);
  EXPECT_EQ(MlaWorkspaceFloats(7, 128, kSplitKeys), 7 * 128 * 2 * (kMlaLatent + 2));
  EXPECT_EQ(PartialIndex(6, 1, 127, 2, 128) + 1, 7 * 128 * 2);
}

}  // namespace
}  // namespace baleen::cuda
