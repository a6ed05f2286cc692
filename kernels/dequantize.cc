#include <algorithm>
#include <array>
#include <cstring>

#include "kernels/linear.h"
#include "kernels/linear_pack.h"

namespace baleen {
namespace {

constexpr int64_t kScaleBlock = 128;

const std::array<float, 256>& F8Table() {
  static const std::array<float, 256> table = [] {
    std::array<float, 256> values{};
    for (int code = 0; code < 256; ++code) values[code] = F8E4m3ToF32(static_cast<uint8_t>(code));
    return values;
  }();
  return table;
}

}  // namespace

void DequantizeRow(const WeightView& view, int64_t row, float* out) {
  const int64_t stride = view.row_stride != 0 ? view.row_stride : view.cols;
  const char* data = static_cast<const char*>(view.data) + row * stride * static_cast<int64_t>(SizeOf(view.dtype));
  if (view.dtype == DType::kF32) {
    std::memcpy(out, data, view.cols * sizeof(float));
    return;
  }
  if (view.dtype == DType::kBf16) {
    for (int64_t c = 0; c < view.cols; ++c) {
      Bf16 bits;
      std::memcpy(&bits, data + c * sizeof(Bf16), sizeof(bits));
      out[c] = Bf16ToF32(bits);
    }
    return;
  }
  const std::array<float, 256>& table = F8Table();
  const float* scales = view.scale + (view.first_row + row) / kScaleBlock * view.scale_stride;
  for (int64_t begin = 0; begin < view.cols; begin += kScaleBlock) {
    const float scale = scales[begin / kScaleBlock];
    const int64_t end = std::min(view.cols, begin + kScaleBlock);
    for (int64_t c = begin; c < end; ++c) out[c] = table[static_cast<uint8_t>(data[c])] * scale;
  }
}

void Dequantize(const WeightView& view, float* out) {
  for (int64_t row = 0; row < view.rows; ++row) DequantizeRow(view, row, out + row * view.cols);
}

}  // namespace baleen
