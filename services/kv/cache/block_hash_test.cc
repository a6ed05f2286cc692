#include "services/kv/cache/block_hash.h"

#include <set>
#include <vector>

#include "gtest/gtest.h"

namespace baleen {
namespace {

TEST(BlockHashTest, NamesThePrefixTheSaltAndTheNumerics) {
  const std::vector<int32_t> a(64, 1);
  std::vector<int32_t> b = a;
  b.back() = 2;
  const BlockHash root = RootBlockHash("n", "salt");
  const BlockHash first = ChildBlockHash(root, a);
  const std::set<BlockHash> distinct = {root,
                                        first,
                                        ChildBlockHash(root, b),
                                        ChildBlockHash(first, a),
                                        ChildBlockHash(ChildBlockHash(root, b), a),
                                        ChildBlockHash(RootBlockHash("n", "other"), a),
                                        ChildBlockHash(RootBlockHash("m", "salt"), a)};
  EXPECT_EQ(distinct.size(), 7u);
  EXPECT_EQ(ChildBlockHash(RootBlockHash("n", "salt"), a), first);
}

TEST(BlockHashTest, RootsDoNotRunTogether) { EXPECT_NE(RootBlockHash("a", "/b"), RootBlockHash("a/", "b")); }

}  // namespace
}  // namespace baleen
