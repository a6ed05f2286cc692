#include "model/layers/expert_compute.h"

#include <algorithm>
#include <vector>

#include "gtest/gtest.h"
#include "tests/invariance/tiny_checkpoint.h"

namespace baleen {
namespace {

class ExpertComputeTest : public testing::TestWithParam<DType> {
 protected:
  void SetUp() override {
    const std::string directory = WriteTinyCheckpoint("expert_compute", {});
    auto config = ModelConfig::Load(directory);
    ASSERT_TRUE(config.ok()) << config.status();
    auto checkpoint = Checkpoint::Open(directory);
    ASSERT_TRUE(checkpoint.ok()) << checkpoint.status();
    std::vector<ExpertId> ids;
    for (int expert = 0; expert < 8; ++expert) ids.push_back({2, expert});
    auto weights = ExpertWeights::Load(**checkpoint, *config, ids, {GetParam(), BestIsa()});
    ASSERT_TRUE(weights.ok()) << weights.status();
    weights_ = *std::move(weights);
  }

  std::vector<float> Rows(int64_t count) const {
    std::vector<float> rows(count * weights_->hidden());
    for (size_t i = 0; i < rows.size(); ++i) rows[i] = Bf16ToF32(F32ToBf16(static_cast<float>((i * 37) % 101) / 50.0f - 1.0f));
    return rows;
  }

  std::unique_ptr<ExpertWeights> weights_;
};

TEST_P(ExpertComputeTest, EqualsOneRowAtATime) {
  const int64_t hidden = weights_->hidden();
  const std::vector<float> rows = Rows(5);
  const std::vector<uint32_t> per_row = {3, 1, 0, 2, 4};
  const std::vector<uint32_t> ids = {1, 4, 7, 4, 0, 4, 7, 6, 1, 4};  // Not ascending in the last row.
  std::vector<float> expected(ids.size() * hidden);
  size_t next = 0;
  for (size_t row = 0; row < per_row.size(); ++row) {
    for (uint32_t k = 0; k < per_row[row]; ++k, ++next) {
      weights_->Apply({2, static_cast<int>(ids[next])}, &rows[row * hidden], 1, &expected[next * hidden], nullptr);
    }
  }
  for (const int threads : {0, 1, 2}) {
    ThreadPool pool(std::max(threads, 1));
    std::vector<float> out(ids.size() * hidden, -1.0f);
    ComputeExperts(*weights_, 2, rows.data(), 5, per_row, ids, out.data(), threads == 0 ? nullptr : &pool);
    EXPECT_EQ(out, expected) << threads << " threads";
  }
}

TEST_P(ExpertComputeTest, OutputsAreOfTheWireType) {
  const std::vector<float> rows = Rows(1);
  std::vector<float> out(weights_->hidden());
  ComputeExperts(*weights_, 2, rows.data(), 1, std::vector<uint32_t>{1}, std::vector<uint32_t>{3}, out.data(), nullptr);
  const bool all_bf16 = std::all_of(out.begin(), out.end(), [](float value) { return Bf16ToF32(F32ToBf16(value)) == value; });
  EXPECT_EQ(all_bf16, GetParam() == DType::kBf16);
}

TEST_P(ExpertComputeTest, NoRowsNoWork) {
  ComputeExperts(*weights_, 2, nullptr, 0, {}, {}, nullptr, nullptr);
  const std::vector<float> rows = Rows(2);
  ComputeExperts(*weights_, 2, rows.data(), 2, std::vector<uint32_t>{0, 0}, {}, nullptr, nullptr);
}

INSTANTIATE_TEST_SUITE_P(All, ExpertComputeTest, testing::Values(DType::kF32, DType::kBf16),
                         [](const testing::TestParamInfo<DType>& info) { return NameOf(info.param); });

}  // namespace
}  // namespace baleen
