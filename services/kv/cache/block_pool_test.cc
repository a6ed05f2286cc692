#include "services/kv/cache/block_pool.h"

#include <algorithm>
#include <cstring>
#include <set>
#include <thread>

#include "gtest/gtest.h"

namespace baleen {
namespace {

constexpr KvShape kSmall = {2, 6, DType::kBf16};
constexpr int64_t kSmallBlockBytes = 64 * 2 * 6 * 2;

TEST(KvShapeTest, BytesPerTokenOfPublishedModels) {
  EXPECT_EQ((KvShape{61, 576, DType::kBf16}).BytesPerToken(), 70272);  // V3
  EXPECT_EQ((KvShape{62, 576, DType::kBf16}).BytesPerToken(), 71424);  // V3 with its MTP layer
  EXPECT_EQ((KvShape{60, 576, DType::kBf16}).BytesPerToken(), 69120);  // V2
  EXPECT_EQ((KvShape{27, 576, DType::kBf16}).BytesPerToken(), 31104);  // V2-Lite
  EXPECT_EQ((KvShape{27, 576, DType::kF32}).BytesPerToken(), 62208);
}

TEST(BlockPoolTest, BudgetIsRoundedDownToWholeBlocks) {
  EXPECT_EQ(BlockPool(kSmall, 3 * kSmallBlockBytes + 1).total_blocks(), 3);
  EXPECT_EQ(BlockPool(kSmall, kSmallBlockBytes - 1).total_blocks(), 0);
  EXPECT_EQ(BlockPool(kSmall, -5).total_blocks(), 0);
}

TEST(BlockPoolTest, AllocateGivesDistinctBlocksOrNone) {
  BlockPool pool(kSmall, 4 * kSmallBlockBytes);
  const auto first = pool.Allocate(3);
  ASSERT_TRUE(first.ok());
  EXPECT_EQ(std::set<BlockId>(first->begin(), first->end()).size(), 3u);
  EXPECT_EQ(pool.free_blocks(), 1);
  const auto refused = pool.Allocate(2);
  EXPECT_EQ(refused.status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(pool.free_blocks(), 1);
  EXPECT_EQ(pool.Allocate(-1).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_TRUE(pool.Allocate(0)->empty());
}

TEST(BlockPoolTest, LastReferenceFrees) {
  BlockPool pool(kSmall, kSmallBlockBytes);
  const BlockId block = pool.Allocate(1)->front();
  pool.AddReference(block);
  pool.Release(block);
  EXPECT_EQ(pool.free_blocks(), 0);
  pool.Release(block);
  EXPECT_EQ(pool.free_blocks(), 1);
}

TEST(BlockPoolTest, ReusedBlocksAreZero) {
  BlockPool pool(kSmall, kSmallBlockBytes);
  const BlockId block = pool.Allocate(1)->front();
  std::memset(pool.Page(block, 0), 0xab, kSmallBlockBytes);
  pool.Release(block);
  const BlockId again = pool.Allocate(1)->front();
  const std::byte* bytes = pool.Page(again, 0);
  EXPECT_TRUE(std::all_of(bytes, bytes + kSmallBlockBytes, [](std::byte b) { return b == std::byte{0}; }));
}

TEST(BlockPoolTest, PagesOfABlockFollowEachOther) {
  BlockPool pool(kSmall, 2 * kSmallBlockBytes);
  EXPECT_EQ(pool.Page(0, 1) - pool.Page(0, 0), 64 * 6 * 2);
  EXPECT_EQ(pool.Page(1, 0) - pool.Page(0, 0), kSmallBlockBytes);
}

TEST(BlockPoolDeathTest, DoubleReleaseAborts) {
  BlockPool pool(kSmall, kSmallBlockBytes);
  const BlockId block = pool.Allocate(1)->front();
  pool.Release(block);
  EXPECT_DEATH(pool.Release(block), "release of a block that is free");
  EXPECT_DEATH(pool.AddReference(block), "reference to a block that is free");
  EXPECT_DEATH(pool.Page(1, 0), "no such page");
}

TEST(BlockPoolTest, ThreadsNeverShareABlock) {
  BlockPool pool(kSmall, 8 * kSmallBlockBytes);
  const auto work = [&pool](unsigned char mark) {
    for (int round = 0; round < 200; ++round) {
      const auto blocks = pool.Allocate(2);
      if (!blocks.ok()) continue;
      for (const BlockId block : *blocks) std::memset(pool.Page(block, 0), mark, kSmallBlockBytes);
      for (const BlockId block : *blocks) {
        const std::byte* bytes = pool.Page(block, 0);
        EXPECT_TRUE(std::all_of(bytes, bytes + kSmallBlockBytes, [mark](std::byte b) { return b == std::byte{mark}; }));
        pool.Release(block);
      }
    }
  };
  std::thread other(work, 1);
  work(2);
  other.join();
  EXPECT_EQ(pool.free_blocks(), 8);
}

}  // namespace
}  // namespace baleen
