#include <cmath>
#include <vector>

#include "gtest/gtest.h"
#include "kernels/cuda/sampling/mass.h"
#include "kernels/cuda/sampling/sampling.h"

namespace baleen::cuda {
namespace {

TEST(SamplingProblemTest, NamesWhatIsWrong) {
  SamplingArgs args;
  args.rows = 1;
  args.vocabulary = 128815;
  args.ld = 129280;
  args.logits = reinterpret_cast<const float*>(0x1000);
  args.rows_sampling = reinterpret_cast<const RowSampling*>(0x1000);
  args.tokens = reinterpret_cast<int32_t*>(0x1000);
  EXPECT_EQ(SamplingProblem(args), "");
  args.tokens = nullptr;
  EXPECT_EQ(SamplingProblem(args), "Sample: tokens is null");
  args.ld = 128000;
  EXPECT_EQ(SamplingProblem(args), "Sample: ld is 128000, at least 128815");
  args.vocabulary = kMaxVocabulary + 1;
  EXPECT_EQ(SamplingProblem(args), "Sample: vocabulary is 262145, at most 262144");
}

TEST(MassTest, SumsOfTheLargestVocabularyFit) {
  EXPECT_LE(static_cast<double>(MassOf(1.0f)) * static_cast<double>(kMaxVocabulary), 0x1p63);
  EXPECT_EQ(MassOf(0.0f), 0u);
  EXPECT_EQ(MassOf(0.5f), MassOf(1.0f) / 2);
}

TEST(MassTest, BoundsStayWithinTheTotal) {
  EXPECT_EQ(MassReaching(0.0f, 100), 1u);
  EXPECT_EQ(MassReaching(0.5f, 100), 50u);
  EXPECT_EQ(MassReaching(0.505f, 100), 51u);
  EXPECT_EQ(MassReaching(1.0f, 100), 100u);
  EXPECT_EQ(MassBeyond(0.0, 100), 1u);
  EXPECT_EQ(MassBeyond(0.5, 100), 51u);
  EXPECT_EQ(MassBeyond(1 - 0x1p-53, 100), 100u);
  EXPECT_EQ(MassBeyond(1 - 0x1p-53, uint64_t{1} << 62), (uint64_t{1} << 62) - 511);
}

TEST(MassTest, RanksAreOrderedAndKeepTheId) {
  EXPECT_GT(RankByLikelihood(1.0f, 5), RankByLikelihood(1.0f, 6));
  EXPECT_GT(RankByLikelihood(1.1f, 6), RankByLikelihood(1.0f, 5));
  EXPECT_EQ(IdOfRank(RankByLikelihood(-3.0f, 131071)), 131071u);
  EXPECT_GT(RankById(3), RankById(4));
  EXPECT_LT(RankByLikelihood(INFINITY, 0), uint64_t{1} << kRankBits);
}

TEST(SampleOnHostTest, Basics) {
  const std::vector<float> logits = {1, 5, 5, NAN, 2};
  EXPECT_EQ(SampleOnHost({}, logits.data(), 5, nullptr), 1);
  const uint32_t last_two = 0b11000;
  EXPECT_EQ(SampleOnHost({}, logits.data(), 5, &last_two), 4);
  const uint32_t none = 0;
  EXPECT_EQ(SampleOnHost({}, logits.data(), 5, &none), -1);
  RowSampling how;
  how.temperature = 1;
  how.uniform = 0.999999;
  how.top_k = 2;
  EXPECT_EQ(SampleOnHost(how, logits.data(), 5, nullptr), 2);
}

}  // namespace
}  // namespace baleen::cuda
