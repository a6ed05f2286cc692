#include "model/sampling/token_counts.h"

#include <map>
#include <random>

#include "gtest/gtest.h"

namespace baleen {
namespace {

using Counts = std::map<int32_t, std::pair<int64_t, int64_t>>;  // Of prompt and answer, by id.

Counts CountsOf(const TokenCounts& counts) {
  Counts all;
  for (const auto& [token, count] : counts.counts()) all[token] = {count.prompt, count.generated};
  return all;
}

TEST(TokenCountsTest, CountsPromptAndAnswerApart) {
  TokenCounts counts;
  counts.Follow({3, 3, 0, 1, 1, 3}, 2);
  EXPECT_EQ(CountsOf(counts), (Counts{{3, {2, 1}}, {0, {0, 1}}, {1, {0, 2}}}));
  counts.Follow({}, 0);
  EXPECT_TRUE(counts.counts().empty());
}

// Longer, shorter and other sequences in any order: a refused draft, a resume, another prompt.
TEST(TokenCountsTest, DependOnTheTokensAlone) {
  std::mt19937 random(5);
  TokenCounts kept;
  std::vector<int32_t> tokens;
  for (int round = 0; round < 2000; ++round) {
    if (random() % 4 == 0) tokens.resize(random() % (tokens.size() + 1));
    for (size_t more = random() % 5; more > 0; --more) tokens.push_back(static_cast<int32_t>(random() % 20));
    const auto prompt = static_cast<int64_t>(random() % 8 == 0 ? 7 : 3);
    kept.Follow(tokens, prompt);
    TokenCounts anew;
    anew.Follow(tokens, prompt);
    ASSERT_EQ(CountsOf(kept), CountsOf(anew));
  }
}

}  // namespace
}  // namespace baleen
