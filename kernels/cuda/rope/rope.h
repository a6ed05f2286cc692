// The rotated part of queries (model spec section 4), on its way from the query projection to the absorbed query.
#ifndef BALEEN_KERNELS_CUDA_ROPE_ROPE_H_
#define BALEEN_KERNELS_CUDA_ROPE_ROPE_H_

#include <cstdint>
#include <string>

#include "base/dtype.h"
#include "kernels/cuda/base/status.h"

namespace baleen::cuda {

inline constexpr int kMaxRopeWidth = 256;

// All pointers are to device memory. Vector (row, head) of x begins at x + row * row_stride + head * head_stride; of y likewise.
struct RopeArgs {
  int64_t rows = 0;
  int heads = 0;
  int width = 0;  // Even.
  const Bf16* x = nullptr;
  int64_t x_row_stride = 0;  // Elements; even, as all strides.
  int64_t x_head_stride = 0;
  Bf16* y = nullptr;  // May be x.
  int64_t y_row_stride = 0;
  int64_t y_head_stride = 0;
  const int32_t* positions = nullptr;  // [rows]
  const float* frequencies = nullptr;  // [width / 2]
  float magnitude = 1;                 // Of sine and cosine (YaRN).
};

// Empty, or what is wrong with the arguments. Reads no memory.
std::string RopeProblem(const RopeArgs& args);

// Interleaved pairs, FP32 inside, one rounding.
Status Rope(const RopeArgs& args, Stream stream);

}  // namespace baleen::cuda

#endif  // BALEEN_KERNELS_CUDA_ROPE_ROPE_H_
