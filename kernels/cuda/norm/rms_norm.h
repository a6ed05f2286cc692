// RMSNorm on the way into a product: rounded to BF16, quantised to FP8 by 128 channels, or both in one pass.
//
// Row-invariant: the order of the sum of squares depends on the width alone.
#ifndef BALEEN_KERNELS_CUDA_NORM_RMS_NORM_H_
#define BALEEN_KERNELS_CUDA_NORM_RMS_NORM_H_

#include <cstdint>
#include <string>

#include "base/dtype.h"
#include "kernels/cuda/base/status.h"

namespace baleen::cuda {

inline constexpr int64_t kMaxNormWidth = 16384;

// All pointers are to device memory, 16-byte aligned; strides are multiples of 16 bytes.
struct RmsNormArgs {
  DType type = DType::kF32;  // Of x: kF32 or kBf16.
  int64_t rows = 0;
  int64_t width = 0;  // A multiple of 4.
  void* x = nullptr;  // [rows, width], row stride ldx; with `add`, x += add first (F32 only).
  int64_t ldx = 0;
  const Bf16* add = nullptr;      // [rows, width] or null, row stride width.
  const float* weight = nullptr;  // [width]
  float eps = 0;
  Bf16* normed = nullptr;    // [rows, width] or null, row stride width.
  uint8_t* codes = nullptr;  // [rows, width] or null, row stride width; width is then a multiple of 16.
  float* scales = nullptr;   // [ceil(width / 128), scale_stride] with codes: row r's scale of a block at r.
  int64_t scale_stride = 0;  // >= rows.
};

// Empty, or what is wrong with the arguments. Reads no memory.
std::string RmsNormProblem(const RmsNormArgs& args);

// y = weight * (x * rsqrt(mean(x^2) + eps)) in F32, then rounded or quantised.
Status RmsNorm(const RmsNormArgs& args, Stream stream);

}  // namespace baleen::cuda

#endif  // BALEEN_KERNELS_CUDA_NORM_RMS_NORM_H_
