// What the emulated kernels share: rows of F32 or BF16 as floats, and their way into FP8.
#ifndef BALEEN_KERNELS_CUDA_BASE_HOST_ROWS_H_
#define BALEEN_KERNELS_CUDA_BASE_HOST_ROWS_H_

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "base/dtype.h"
#include "kernels/cuda/base/quantize_row.h"

namespace baleen::cuda {

inline float ElementOf(const void* x, DType type, int64_t at) {
  return type == DType::kF32 ? static_cast<const float*>(x)[at] : Bf16ToF32(static_cast<const Bf16*>(x)[at]);
}

// Row `row` of codes [.., row.size()] and of scales [blocks, scale_stride].
inline void QuantizeRowOnHost(const std::vector<float>& values, int64_t row, uint8_t* codes, float* scales, int64_t scale_stride) {
  const int64_t width = static_cast<int64_t>(values.size());
  for (int64_t begin = 0; begin < width; begin += kScaleBlock) {
    const int64_t end = std::min<int64_t>(width, begin + kScaleBlock);
    float greatest = 0;
    for (int64_t i = begin; i < end; ++i) greatest = std::fmax(greatest, std::fabs(values[static_cast<size_t>(i)]));
    const BlockScale scale = ScaleOf(greatest);
    for (int64_t i = begin; i < end; ++i) codes[row * width + i] = F32ToF8E4m3(values[static_cast<size_t>(i)] * scale.inverse);
    scales[begin / kScaleBlock * scale_stride + row] = scale.scale;
  }
}

}  // namespace baleen::cuda

#endif  // BALEEN_KERNELS_CUDA_BASE_HOST_ROWS_H_
