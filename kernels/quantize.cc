#include "kernels/quantize.h"

#include <algorithm>
#include <cmath>

#include "kernels/linear_pack.h"

namespace baleen {
namespace {

constexpr int64_t kBlock = 128;
constexpr float kGreatest = 448.0f;
// A block whose greatest magnitude is below this counts as zeros: the reciprocal of its scale would be infinite.
constexpr float kLeastMagnitude = 1.4e-36f;

// One block of rows [count, cols], all column blocks.
void QuantizeRows(const float* rows, int64_t count, int64_t cols, uint8_t* codes, float* scales) {
  for (int64_t begin = 0; begin < cols; begin += kBlock) {
    const int64_t end = std::min(cols, begin + kBlock);
    float greatest = 0;
    for (int64_t r = 0; r < count; ++r) {
      for (int64_t c = begin; c < end; ++c) greatest = std::max(greatest, std::fabs(rows[r * cols + c]));  // Passes NaN over.
    }
    const float scale = greatest >= kLeastMagnitude ? greatest / kGreatest : 1.0f;
    const float inverse = 1.0f / scale;
    for (int64_t r = 0; r < count; ++r) {
      for (int64_t c = begin; c < end; ++c) codes[r * cols + c] = F32ToF8E4m3(rows[r * cols + c] * inverse);
    }
    scales[begin / kBlock] = scale;
  }
}

}  // namespace

Fp8Weight QuantizeFp8(const WeightView& view) {
  Fp8Weight weight;
  const int64_t column_blocks = (view.cols + kBlock - 1) / kBlock;
  weight.codes.resize(view.rows * view.cols);
  weight.scales.resize((view.rows + kBlock - 1) / kBlock * column_blocks);
  std::vector<float> rows(std::min(kBlock, view.rows) * view.cols);
  for (int64_t first = 0; first < view.rows; first += kBlock) {
    const int64_t count = std::min(kBlock, view.rows - first);
    for (int64_t r = 0; r < count; ++r) DequantizeRow(view, first + r, rows.data() + r * view.cols);
    QuantizeRows(rows.data(), count, view.cols, weight.codes.data() + first * view.cols,
                 weight.scales.data() + first / kBlock * column_blocks);
  }
  weight.view = {.data = weight.codes.data(),
                 .dtype = DType::kF8E4m3,
                 .rows = view.rows,
                 .cols = view.cols,
                 .scale = weight.scales.data(),
                 .scale_stride = column_blocks};
  return weight;
}

}  // namespace baleen
