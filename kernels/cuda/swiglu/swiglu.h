// silu(gate) * up on the way into the down projection: quantised to FP8 by 128 channels, or rounded to BF16.
#ifndef BALEEN_KERNELS_CUDA_SWIGLU_SWIGLU_H_
#define BALEEN_KERNELS_CUDA_SWIGLU_SWIGLU_H_

#include <cstdint>
#include <string>

#include "base/dtype.h"
#include "kernels/cuda/base/row_groups.h"
#include "kernels/cuda/base/status.h"

namespace baleen::cuda {

// All pointers are to device memory, 16-byte aligned but group_rows.
struct SwiGluArgs {
  const Bf16* gate_up = nullptr;  // [rows, 2, inner]: gate, then up.
  int64_t rows = 0;
  int64_t inner = 0;         // A multiple of 8; with codes, of 16.
  Bf16* out = nullptr;       // [rows, inner] or null.
  uint8_t* codes = nullptr;  // [rows, inner] or null.
  float* scales = nullptr;   // [ceil(inner / 128), scale_stride] with codes: row r's scale of a block at r.
  int64_t scale_stride = 0;  // >= rows.
  // Rows without a group are neither read nor written. kDense, kContiguous or kMasked.
  RowGroups grouping = RowGroups::kDense;
  int groups = 1;
  const int32_t* group_rows = nullptr;
};

// Empty, or what is wrong with the arguments. Reads no memory.
std::string SwiGluProblem(const SwiGluArgs& args);

Status SwiGlu(const SwiGluArgs& args, Stream stream);

}  // namespace baleen::cuda

#endif  // BALEEN_KERNELS_CUDA_SWIGLU_SWIGLU_H_
