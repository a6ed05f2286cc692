#include <set>

#include "gtest/gtest.h"
#include "kernels/cuda/kv_append/kv_append.h"
#include "kernels/cuda/kv_append/page_walk.h"

namespace baleen::cuda {
namespace {

TEST(KvAppendProblemTest, NamesWhatIsWrong) {
  KvAppendArgs args;
  args.rows = 1;
  args.latent = 512;
  args.rope = 64;
  args.ldkv = 576;
  args.kv = reinterpret_cast<const void*>(0x1000);
  args.weight = args.frequencies = reinterpret_cast<const float*>(0x1000);
  args.positions = args.blocks = args.first_block = reinterpret_cast<const int32_t*>(0x1000);
  args.pages = reinterpret_cast<Bf16*>(0x1000);
  EXPECT_EQ(KvAppendProblem(args), "");
  args.ldkv = 575;
  EXPECT_EQ(KvAppendProblem(args), "KvAppend: ldkv is 575, at least 576");
  args.ldkv = 578;
  EXPECT_EQ(KvAppendProblem(args), "KvAppend: ldkv in bytes is 1156, not a multiple of 16");
  args.ldkv = 576;
  args.latent = 1028;
  EXPECT_EQ(KvAppendProblem(args), "KvAppend: latent is 1028, at most 1024");
  args.latent = 512;
  args.pages = nullptr;
  EXPECT_EQ(KvAppendProblem(args), "KvAppend: pages is null");
}

TEST(PageWalkTest, FindsEverySlotOnce) {
  const int32_t blocks[] = {9, 9, 4, 0, 2};  // The sequence's begin at index 2.
  std::set<int64_t> rows;
  for (int64_t position = 0; position < 192; ++position) rows.insert(PageRow(blocks, 2, position, 5));
  EXPECT_EQ(rows.size(), 192u);
  EXPECT_EQ(PageRow(blocks, 2, 0, 5), 4 * 64);
  EXPECT_EQ(PageRow(blocks, 2, 127, 5), 63);
  EXPECT_EQ(PageRow(blocks, 2, 128, 5), 2 * 64);
}

TEST(PageWalkTest, RefusesPagesThatAreNot) {
  const int32_t blocks[] = {5, -1};
  EXPECT_EQ(PageRow(blocks, 0, 3, 5), -1);
  EXPECT_EQ(PageRow(blocks, 0, 64, 5), -1);
}

}  // namespace
}  // namespace baleen::cuda
