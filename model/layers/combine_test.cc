#include "model/layers/combine.h"

#include <vector>

#include "base/values.h"
#include "gtest/gtest.h"

namespace baleen {
namespace {

// [rows * top_k, hidden] in the wire type, and where each output is.
struct Outputs {
  Outputs(const std::vector<float>& values, int64_t hidden, DType wire) : bytes(values.size() * SizeOf(wire)) {
    ValuesToWire(values.data(), static_cast<int64_t>(values.size()), wire, bytes.data());
    const size_t row_bytes = static_cast<size_t>(hidden) * SizeOf(wire);
    for (size_t at = 0; at < bytes.size(); at += row_bytes) places.push_back(&bytes[at]);
  }

  std::vector<std::byte> bytes;
  std::vector<const std::byte*> places;
};

TEST(CombineTest, SumsExpertsThenSharedThenResidual) {
  // In FP32, (2^24 * 1 + 1) - 2^24 is 0 in this order and 1 in another: the order shows.
  const Outputs outputs({0x1p24f, 1, -0x1p24f}, 1, DType::kF32);
  const float weights[] = {1, 1, 1};
  const float shared[] = {0.25f};
  float residual[] = {2};
  CombineExperts(outputs.places.data(), DType::kF32, weights, shared, 1, 3, 1, residual, nullptr);
  EXPECT_EQ(residual[0], 2.25f);
}

TEST(CombineTest, EveryRowAndChannelAndNoSharedExpert) {
  constexpr int64_t kRows = 3, kTopK = 2, kHidden = 550;
  std::vector<float> values(kRows * kTopK * kHidden);
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i % 250);
  const float weights[] = {1, 2, 0.5f, 0.25f, 3, 4};
  ThreadPool pool(2);
  for (const DType wire : {DType::kF32, DType::kBf16}) {
    const Outputs outputs(values, kHidden, wire);
    std::vector<float> residual(kRows * kHidden, 1.0f);
    CombineExperts(outputs.places.data(), wire, weights, nullptr, kRows, kTopK, kHidden, residual.data(), &pool);
    for (int64_t r = 0; r < kRows; ++r) {
      for (int64_t i = 0; i < kHidden; ++i) {
        const float* row = &values[r * kTopK * kHidden];
        ASSERT_EQ(residual[r * kHidden + i], 1.0f + (weights[2 * r] * row[i] + weights[2 * r + 1] * row[kHidden + i])) << r << " " << i;
      }
    }
  }
}

}  // namespace
}  // namespace baleen
