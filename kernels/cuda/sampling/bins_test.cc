#include "kernels/cuda/sampling/bins.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "gtest/gtest.h"

namespace baleen::cuda {
namespace {

struct Token {
  float logit;
  uint32_t id;
  uint64_t units;
  uint64_t rank() const { return RankByLikelihood(logit, id); }
};

std::vector<Token> RandomTokens(size_t size, float spread, float top, float temperature) {
  std::mt19937 generator(static_cast<uint32_t>(size));
  std::normal_distribution<float> normal;
  std::vector<Token> tokens;
  for (uint32_t id = 0; id < size; ++id) {
    float logit = std::min(top, normal(generator) * spread);
    if (id % 7 == 0) logit = std::round(logit);  // Ties.
    if (id % 101 == 0) logit = -INFINITY;
    tokens.push_back({logit, id, MassOfLogit(logit, top, temperature, 0)});
  }
  tokens[size / 2] = {top, static_cast<uint32_t>(size / 2), MassOf(1)};
  return tokens;
}

struct Part {
  int index = 0;
  uint64_t before = 0;
};
// Where the running sum of parts reaches `bound`.
Part Reaching(const std::vector<uint64_t>& sums, uint64_t bound) {
  Part part;
  while (part.before + sums[static_cast<size_t>(part.index)] < bound) part.before += sums[static_cast<size_t>(part.index++)];
  return part;
}

// As the device narrows, but always down to the last digit.
uint64_t RankReaching(const std::vector<Token>& tokens, const LogitBins& bins, uint64_t bound) {
  std::vector<uint64_t> sums(kBins);
  for (const Token& token : tokens) sums[static_cast<size_t>(BinOf(bins, token.logit))] += token.units;
  const Part bin = Reaching(sums, bound);
  bound -= bin.before;
  RankRange range;
  while (range.shift > 0) {
    sums.assign(kDigits, 0);
    for (const Token& token : tokens) {
      if (BinOf(bins, token.logit) != bin.index || !Contains(range, token.rank())) continue;
      sums[static_cast<size_t>(DigitOf(range, token.rank()))] += token.units;
    }
    const Part digit = Reaching(sums, bound);
    bound -= digit.before;
    range = Narrowed(range, digit.index);
  }
  return range.prefix;
}

TEST(BinsTest, NarrowToTheTokenThatSortingFinds) {
  for (const float spread : {0.0f, 1e-6f, 0.5f, 3.0f, 50.0f}) {
    for (const float temperature : {0.01f, 0.6f, 2.0f}) {
      const float top = 4 * spread;
      std::vector<Token> tokens = RandomTokens(3000, spread, top, temperature);
      const LogitBins bins = BinsBelow(top, temperature);
      std::vector<Token> sorted = tokens;
      std::sort(sorted.begin(), sorted.end(), [](const Token& a, const Token& b) { return a.rank() > b.rank(); });
      uint64_t total = 0;
      for (const Token& token : tokens) total += token.units;
      for (const double share : {0.0, 0.3, 0.9, 0.95, 0.999999, 1.0}) {
        const uint64_t bound = std::max<uint64_t>(1, static_cast<uint64_t>(share * static_cast<double>(total)));
        uint64_t sum = 0;
        auto expected = sorted.begin();
        while ((sum += expected->units) < bound) ++expected;
        EXPECT_EQ(RankReaching(tokens, bins, bound), expected->rank()) << spread << " " << temperature << " " << share;
      }
    }
  }
}

TEST(BinsTest, KeepTheOrderOfLogits) {
  for (const float temperature : {1e-38f, 0.01f, 1.0f, std::numeric_limits<float>::max()}) {
    for (const float top : {-1e30f, -3.0f, 0.0f, 17.3f, std::numeric_limits<float>::max()}) {
      const LogitBins bins = BinsBelow(top, temperature);
      EXPECT_EQ(BinOf(bins, top), 0);
      int before = 0;
      float logit = top;
      for (int i = 0; i < 20000; ++i) {
        logit = i % 2 == 0 ? std::nextafterf(logit, -INFINITY) : logit - 0.003f * temperature;
        const int bin = BinOf(bins, logit);
        ASSERT_GE(bin, before) << logit;
        ASSERT_LT(bin, kBins);
        ASSERT_TRUE(IsInBin(bins, static_cast<float>(bin), logit));
        ASSERT_FALSE(IsInBin(bins, static_cast<float>(bin + 1), logit));
        ASSERT_FALSE(IsInBin(bins, static_cast<float>(bin - 1), logit));
        before = bin;
      }
      EXPECT_EQ(BinOf(bins, -INFINITY), kBins - 1);
    }
  }
}

TEST(BinsTest, DigitsOfTheGreatestAndTheLeastRank) {
  const RankRange all;
  const uint64_t greatest = (uint64_t{1} << kRankBits) - 1;
  EXPECT_EQ(DigitOf(all, greatest), 0);
  EXPECT_EQ(DigitOf(all, 0), kDigits - 1);
  const RankRange upper = Narrowed(all, 0);
  EXPECT_TRUE(Contains(upper, greatest));
  EXPECT_FALSE(Contains(upper, greatest >> 1));
  EXPECT_EQ(DigitOf(upper, greatest - (uint64_t{1} << (upper.shift - kDigitBits))), 1);
}

TEST(MassOfLogitTest, IsTheMassOfTheWeight) {
  for (const float temperature : {0.05f, 0.6f, 1.0f, 2.0f}) {
    for (float logit = 9; logit > 9 - 40 * temperature; logit -= 0.0037f * temperature) {
      EXPECT_EQ(MassOfLogit(logit, 9, temperature, 0), MassOf(WeightOf(logit, 9, temperature)));
      const float weight = WeightOf(logit, 9, temperature);
      EXPECT_EQ(MassOfLogit(logit, 9, temperature, 0.05f), weight < 0.05f ? 0 : MassOf(weight));
    }
  }
  EXPECT_EQ(MassOfLogit(9, 9, 1, 1), MassOf(1));
  EXPECT_EQ(MassOfLogit(-INFINITY, -INFINITY, 1, 0), MassOf(1));
  EXPECT_EQ(MassOfLogit(-INFINITY, 9, 1, 0), 0u);
  EXPECT_EQ(MassOfLogit(NAN, 9, 1, 0), 0u);
}

}  // namespace
}  // namespace baleen::cuda
