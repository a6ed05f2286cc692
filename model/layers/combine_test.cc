#include "model/layers/combine.h"

#include <vector>

#include "gtest/gtest.h"

namespace baleen {
namespace {

TEST(CombineTest, SumsExpertsThenSharedThenResidual) {
  // In FP32, (2^24 * 1 + 1) - 2^24 is 0 in this order and 1 in another: the order shows.
  const float outputs[] = {0x1p24f, 1, -0x1p24f};
  const float weights[] = {1, 1, 1};
  const float shared[] = {0.25f};
  float residual[] = {2};
  CombineExperts(outputs, weights, shared, 1, 3, 1, residual, nullptr);
  EXPECT_EQ(residual[0], 2.25f);
}

TEST(CombineTest, EveryRowAndChannelAndNoSharedExpert) {
  constexpr int64_t kRows = 3, kTopK = 2, kHidden = 150;
  std::vector<float> outputs(kRows * kTopK * kHidden), residual(kRows * kHidden, 1.0f);
  for (size_t i = 0; i < outputs.size(); ++i) outputs[i] = static_cast<float>(i);
  const float weights[] = {1, 2, 0.5f, 0.25f, 3, 4};
  ThreadPool pool(2);
  CombineExperts(outputs.data(), weights, nullptr, kRows, kTopK, kHidden, residual.data(), &pool);
  for (int64_t r = 0; r < kRows; ++r) {
    for (int64_t i = 0; i < kHidden; ++i) {
      const float* row = &outputs[r * kTopK * kHidden];
      ASSERT_EQ(residual[r * kHidden + i], 1.0f + (weights[2 * r] * row[i] + weights[2 * r + 1] * row[kHidden + i])) << r << " " << i;
    }
  }
}

}  // namespace
}  // namespace baleen
