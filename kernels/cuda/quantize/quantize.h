// Activations that no norm or SwiGLU comes before, into FP8 on the way into a product: attention's output, rows that came over the wire.
#ifndef BALEEN_KERNELS_CUDA_QUANTIZE_QUANTIZE_H_
#define BALEEN_KERNELS_CUDA_QUANTIZE_QUANTIZE_H_

#include <cstdint>
#include <string>

#include "base/dtype.h"
#include "kernels/cuda/base/status.h"

namespace baleen::cuda {

// All pointers are to device memory, 16-byte aligned.
struct QuantizeArgs {
  int64_t rows = 0;
  int64_t width = 0;        // A multiple of 16.
  const Bf16* x = nullptr;  // [rows, width], row stride ldx elements, a multiple of 8.
  int64_t ldx = 0;
  uint8_t* codes = nullptr;  // [rows, width]
  float* scales = nullptr;   // [ceil(width / 128), scale_stride]: row r's scale of a block at r.
  int64_t scale_stride = 0;  // >= rows.
};

// Empty, or what is wrong with the arguments. Reads no memory.
std::string QuantizeProblem(const QuantizeArgs& args);

Status Quantize(const QuantizeArgs& args, Stream stream);

}  // namespace baleen::cuda

#endif  // BALEEN_KERNELS_CUDA_QUANTIZE_QUANTIZE_H_
