#include "model/layers/ffn.h"

#include <vector>

#include "gtest/gtest.h"

namespace baleen {
namespace {

PackedLinear Pack(const std::vector<float>& values, int64_t rows, int64_t cols) {
  WeightView view;
  view.data = values.data();
  view.rows = rows;
  view.cols = cols;
  return PackedLinear::Pack(view, DType::kF32, Isa::kReference);
}

// Model spec section 11, item 13, through a network that picks gate and up from the two inputs.
TEST(FfnTest, SwiGluOfTheSpecExamples) {
  MlpWeights weights;
  weights.gate = Pack({1, 0}, 1, 2);
  weights.up = Pack({0, 1}, 1, 2);
  weights.down = Pack({1, 2}, 2, 1);
  const float x[] = {1.5f, -2.0f, -3.0f, 0.5f};
  float gate[2], up[2], y[4];
  ApplyMlp(weights, x, 2, gate, up, y, nullptr);
  EXPECT_NEAR(y[0], -2.4527234286, 2e-6);
  EXPECT_NEAR(y[1], 2 * -2.4527234286, 4e-6);
  EXPECT_NEAR(y[2], -0.0711388098, 1e-7);
  EXPECT_NEAR(y[3], 2 * -0.0711388098, 2e-7);
}

}  // namespace
}  // namespace baleen
