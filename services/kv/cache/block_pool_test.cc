#include "services/kv/cache/block_pool.h"

#include <algorithm>
#include <cstring>
#include <random>
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

TEST(KvShapeTest, ABlockIs64TokensOfAllLayers) { EXPECT_EQ(kSmall.BlockBytes(), kSmallBlockBytes); }

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

TEST(BlockPoolTest, SeveralAtOnceAreReleasedLastToFirst) {
  BlockPool pool(kSmall, 2 * kSmallBlockBytes);
  const std::vector<BlockId> blocks = *pool.Allocate(2);
  pool.AddReferences(blocks);
  pool.ReleaseAll(blocks);
  EXPECT_EQ(pool.free_blocks(), 0);
  pool.ReleaseAll(blocks);
  EXPECT_EQ(pool.free_blocks(), 2);
  EXPECT_EQ(*pool.Allocate(1), std::vector<BlockId>{blocks[0]});
}

TEST(BlockPoolTest, OnlyTheLastReferencesOfABlockWouldFreeIt) {
  BlockPool pool(kSmall, 4 * kSmallBlockBytes);
  const std::vector<BlockId> blocks = *pool.Allocate(2);
  pool.AddReference(blocks[0]);
  EXPECT_EQ(pool.FreedBy({}), 0);
  EXPECT_EQ(pool.FreedBy({blocks[0], blocks[1]}), 1);
  EXPECT_EQ(pool.FreedBy({blocks[0], blocks[1], blocks[0]}), 2);
  EXPECT_EQ(pool.free_blocks(), 2);
}

TEST(BlockPoolTest, BlocksAreTouchedOnce) {
  BlockPool pool(kSmall, 4 * kSmallBlockBytes);
  EXPECT_EQ(pool.touched_bytes(), 0);
  const std::vector<BlockId> first = *pool.Allocate(2);
  EXPECT_EQ(pool.touched_bytes(), 2 * kSmallBlockBytes);
  for (const BlockId block : first) pool.Release(block);
  EXPECT_EQ(pool.touched_bytes(), 2 * kSmallBlockBytes);
  EXPECT_EQ(pool.Allocate(3)->size(), 3u);
  EXPECT_EQ(pool.touched_bytes(), 3 * kSmallBlockBytes);
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

TEST(BlockPoolTest, UnclearedBlocksAreZeroOnceCleared) {
  BlockPool pool(kSmall, kSmallBlockBytes);
  const BlockId block = pool.AllocateUncleared(1)->front();
  std::memset(pool.Page(block, 0), 0xab, kSmallBlockBytes);
  pool.Release(block);
  EXPECT_FALSE(pool.AllocateUncleared(2).ok());
  EXPECT_EQ(pool.AllocateUncleared(1)->front(), block);
  const std::byte* bytes = pool.Page(block, 0);
  EXPECT_EQ(*bytes, std::byte{0xab});
  pool.ClearAllocated();
  EXPECT_TRUE(std::all_of(bytes, bytes + kSmallBlockBytes, [](std::byte b) { return b == std::byte{0}; }));
}

TEST(BlockPoolTest, PagesOfABlockFollowEachOther) {
  BlockPool pool(kSmall, 2 * kSmallBlockBytes);
  EXPECT_EQ(pool.Page(0, 1) - pool.Page(0, 0), 64 * 6 * 2);
  EXPECT_EQ(pool.Page(1, 0) - pool.Page(0, 0), kSmallBlockBytes);
}

BlockHash Name(uint8_t number) { return ChildBlockHash(RootBlockHash("n", ""), std::vector<int32_t>(64, number)); }

TEST(BlockPoolCacheTest, NamedBlocksAreFoundSharedAndKept) {
  BlockPool pool(kSmall, 4 * kSmallBlockBytes);
  const std::vector<BlockId> blocks = *pool.Allocate(2);
  std::memset(pool.Page(blocks[0], 0), 0xab, kSmallBlockBytes);
  EXPECT_TRUE(pool.AcquireCached({Name(1)}).empty());
  pool.Publish(blocks[0], Name(1));
  pool.Publish(blocks[1], Name(2));
  EXPECT_EQ(pool.AcquireCached({Name(1), Name(2), Name(3)}), blocks);
  for (const BlockId block : {blocks[1], blocks[0], blocks[1], blocks[0]}) pool.Release(block);
  EXPECT_EQ(pool.free_blocks(), 4);
  EXPECT_EQ(pool.cached_blocks(), 2);
  EXPECT_EQ(pool.AcquireCached({Name(1)}), std::vector<BlockId>{blocks[0]});
  EXPECT_EQ(pool.free_blocks(), 3);
  EXPECT_EQ(*pool.Page(blocks[0], 0), std::byte{0xab});
}

TEST(BlockPoolCacheTest, ARunEndsAtTheFirstMiss) {
  BlockPool pool(kSmall, 4 * kSmallBlockBytes);
  const std::vector<BlockId> blocks = *pool.Allocate(2);
  pool.Publish(blocks[0], Name(1));
  pool.Publish(blocks[1], Name(3));
  EXPECT_EQ(pool.AcquireCached({Name(1), Name(2), Name(3)}), std::vector<BlockId>{blocks[0]});
  EXPECT_TRUE(pool.AcquireCached({Name(2), Name(1)}).empty());
}

TEST(BlockPoolCacheTest, TheLongestIdleGoesFirstAndReferencedOnesNever) {
  BlockPool pool(kSmall, 3 * kSmallBlockBytes);
  const std::vector<BlockId> blocks = *pool.Allocate(3);
  for (uint8_t i = 0; i < 3; ++i) pool.Publish(blocks[i], Name(i));
  pool.Release(blocks[1]);
  pool.Release(blocks[0]);
  EXPECT_EQ(*pool.Allocate(1), std::vector<BlockId>{blocks[1]});
  EXPECT_TRUE(pool.AcquireCached({Name(1)}).empty());
  EXPECT_EQ(pool.AcquireCached({Name(0)}).size(), 1u);
  EXPECT_FALSE(pool.Allocate(1).ok());
  EXPECT_EQ(pool.AcquireCached({Name(2)}).size(), 1u);
}

TEST(BlockPoolCacheTest, AnEvictedBlockIsZeroAndNameless) {
  BlockPool pool(kSmall, kSmallBlockBytes);
  const BlockId block = pool.Allocate(1)->front();
  std::memset(pool.Page(block, 0), 0xab, kSmallBlockBytes);
  pool.Publish(block, Name(1));
  pool.Release(block);
  ASSERT_EQ(pool.Allocate(1)->front(), block);
  EXPECT_EQ(*pool.Page(block, 0), std::byte{0});
  EXPECT_EQ(pool.cached_blocks(), 0);
}

TEST(BlockPoolCacheTest, TheFirstOfEqualBlocksIsTheOneFound) {
  BlockPool pool(kSmall, 2 * kSmallBlockBytes);
  const std::vector<BlockId> blocks = *pool.Allocate(2);
  pool.Publish(blocks[0], Name(1));
  pool.Publish(blocks[1], Name(1));
  pool.Release(blocks[1]);
  EXPECT_EQ(pool.cached_blocks(), 1);
  EXPECT_EQ(pool.AcquireCached({Name(1)}), std::vector<BlockId>{blocks[0]});
  EXPECT_EQ(*pool.Allocate(1), std::vector<BlockId>{blocks[1]});
}

// Two tenants with the same prompts, whose salts alone tell their blocks apart, on a pool that is always too small.
TEST(BlockPoolCacheTest, ATenantNeverSeesAnothersRows) {
  BlockPool pool(kSmall, 6 * kSmallBlockBytes);
  std::mt19937 random(11);
  const auto all_are = [&pool](BlockId block, int value) {
    const std::byte* bytes = pool.Page(block, 0);
    return std::all_of(bytes, bytes + kSmallBlockBytes, [value](std::byte b) { return b == static_cast<std::byte>(value); });
  };
  int hits = 0;
  for (int round = 0; round < 3000; ++round) {
    const int tenant = 1 + static_cast<int>(random() % 2);
    const std::vector<int32_t> prompt(64, static_cast<int32_t>(random() % 5));
    const BlockHash name = ChildBlockHash(RootBlockHash("n", tenant == 1 ? "one" : "two"), prompt);
    std::vector<BlockId> blocks = pool.AcquireCached({name});
    if (blocks.empty()) {
      blocks = *pool.Allocate(1 + static_cast<int64_t>(random() % 3));
      for (const BlockId block : blocks) {
        ASSERT_TRUE(all_are(block, 0));
        std::memset(pool.Page(block, 0), tenant, kSmallBlockBytes);
      }
      if (random() % 4 > 0) pool.Publish(blocks.front(), name);
    } else {
      ++hits;
      ASSERT_TRUE(all_are(blocks.front(), tenant));
    }
    for (const BlockId block : blocks) pool.Release(block);
  }
  EXPECT_GT(hits, 100);
}

TEST(BlockPoolDeathTest, DoubleReleaseAborts) {
  BlockPool pool(kSmall, kSmallBlockBytes);
  const BlockId block = pool.Allocate(1)->front();
  pool.Release(block);
  EXPECT_DEATH(pool.Release(block), "release of a block that is free");
  EXPECT_DEATH(pool.AddReference(block), "reference to a block that is free");
  EXPECT_DEATH(pool.Publish(block, Name(1)), "publication of a block that is free");
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
