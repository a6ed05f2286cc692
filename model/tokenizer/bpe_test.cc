#include "model/tokenizer/bpe.h"

#include <random>
#include <string>

#include "gtest/gtest.h"

namespace baleen {
namespace {

std::array<int32_t, 256> ByteIds() {
  std::array<int32_t, 256> ids;
  for (int byte = 0; byte < 256; ++byte) ids[byte] = byte;
  return ids;
}

std::vector<int32_t> Encode(const Bpe& bpe, absl::string_view piece) {
  std::vector<int32_t> ids;
  bpe.Encode(piece, &ids);
  return ids;
}

// The definition: apply the lowest-ranked pair, leftmost first, until none applies.
std::vector<int32_t> EncodeByDefinition(const std::vector<BpeMerge>& merges, const std::string& piece) {
  std::vector<int32_t> ids;
  for (char byte : piece) ids.push_back(static_cast<uint8_t>(byte));
  while (true) {
    size_t best_rank = merges.size(), best = 0;
    for (size_t i = 0; i + 1 < ids.size(); ++i) {
      for (size_t rank = 0; rank < best_rank; ++rank) {
        if (merges[rank].left == ids[i] && merges[rank].right == ids[i + 1]) {
          best_rank = rank;
          best = i;
        }
      }
    }
    if (best_rank == merges.size()) return ids;
    ids[best] = merges[best_rank].result;
    ids.erase(ids.begin() + static_cast<std::ptrdiff_t>(best) + 1);
  }
}

TEST(BpeTest, LowestRankFirstAndLeftmostOfEquals) {
  const Bpe bpe(ByteIds(), {{'a', 'a', 300}, {'b', 'c', 301}, {'a', 'b', 302}, {300, 'b', 303}});
  EXPECT_EQ(Encode(bpe, "abc"), (std::vector<int32_t>{'a', 301}));
  EXPECT_EQ(Encode(bpe, "aaa"), (std::vector<int32_t>{300, 'a'}));
  EXPECT_EQ(Encode(bpe, "aab"), (std::vector<int32_t>{303}));
  EXPECT_EQ(Encode(bpe, "x"), (std::vector<int32_t>{'x'}));
  EXPECT_TRUE(Encode(bpe, "").empty());
}

TEST(BpeTest, ShortAndLongPiecesFollowTheDefinition) {
  std::mt19937 random(7);
  std::vector<BpeMerge> merges;
  std::vector<int32_t> symbols = {'a', 'b', 'c'};
  for (int32_t id = 300; id < 360; ++id) {
    merges.push_back({symbols[random() % symbols.size()], symbols[random() % symbols.size()], id});
    symbols.push_back(id);
  }
  // A pair has one rank in a vocabulary.
  std::vector<BpeMerge> distinct;
  for (const BpeMerge& merge : merges) {
    bool known = false;
    for (const BpeMerge& other : distinct) known |= other.left == merge.left && other.right == merge.right;
    if (!known) distinct.push_back(merge);
  }
  const Bpe bpe(ByteIds(), distinct);
  for (int round = 0; round < 400; ++round) {
    std::string piece;
    for (size_t length = 1 + random() % 90; piece.size() < length;) piece.push_back(static_cast<char>('a' + random() % 3));
    EXPECT_EQ(Encode(bpe, piece), EncodeByDefinition(distinct, piece)) << piece;
  }
}

TEST(BpeTest, LongPiecesAreNotQuadratic) {
  const Bpe bpe(ByteIds(), {{'a', 'a', 300}, {300, 300, 301}, {301, 301, 302}});
  // Quadratic work would be 10^12 steps, far past the test's limit.
  EXPECT_EQ(Encode(bpe, std::string(1 << 20, 'a')), std::vector<int32_t>((1 << 20) / 8, 302));
}

}  // namespace
}  // namespace baleen
