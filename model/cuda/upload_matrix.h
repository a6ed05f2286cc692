// A checkpoint's matrix on its way into device memory, as the products of kernels/cuda/gemm take it.
#ifndef BALEEN_MODEL_CUDA_UPLOAD_MATRIX_H_
#define BALEEN_MODEL_CUDA_UPLOAD_MATRIX_H_

#include <cstdint>

#include "absl/status/status.h"
#include "base/dtype.h"
#include "kernels/linear.h"

namespace baleen {

// Where a matrix goes: row-major [rows, cols] of `type` (kBf16 or kF8E4m3), the view's in the upper left corner and zeros around it.
struct MatrixPlace {
  DType type = DType::kBf16;
  int64_t rows = 0;
  int64_t cols = 0;
  void* data = nullptr;     // On the device.
  float* scales = nullptr;  // On the device, kF8E4m3 only: [ceil(rows / 128), ceil(cols / 128)].
};

// Converts where the types differ (to BF16 by rounding, to FP8 with the scale of each 128 x 128 block) and copies at once; a view of that
// type and shape goes there straight from where it lies. kF8E4m3: the view's first row begins a block, and what is added to its rows and
// columns adds no block.
absl::Status UploadMatrix(const WeightView& view, const MatrixPlace& place);

}  // namespace baleen

#endif  // BALEEN_MODEL_CUDA_UPLOAD_MATRIX_H_
