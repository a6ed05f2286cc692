// y = x W^T on the tensor cores of Hopper: dense, grouped by expert, or batched by head. FP8-E4M3 with scales, or BF16; sums in FP32.
//
// Row-invariant: a row's sums are formed by products of 32 bytes of K in ascending order of K, whatever the number of rows, their place and
// the tile that a launch picks. FP8: the sums of each 128 of K are multiplied by both scales and added to FP32 sums (the tensor cores alone
// keep about 14 bits); y rounded once.
#ifndef BALEEN_KERNELS_CUDA_GEMM_GEMM_H_
#define BALEEN_KERNELS_CUDA_GEMM_GEMM_H_

#include <cstdint>
#include <string>

#include "base/dtype.h"
#include "kernels/cuda/base/quantize_row.h"
#include "kernels/cuda/base/row_groups.h"
#include "kernels/cuda/base/status.h"
#include "kernels/cuda/gemm/gemm_tile.h"

namespace baleen::cuda {

// All pointers are to device memory; 16-byte aligned, but group_rows and w_scale to 4. Row-major throughout.
struct GemmArgs {
  DType input = DType::kBf16;   // Of x and w: kF8E4m3 or kBf16.
  DType output = DType::kBf16;  // kBf16 or kF32.
  RowGroups grouping = RowGroups::kDense;
  int groups = 1;

  const void* x = nullptr;  // [rows, inputs], row stride ldx elements.
  const void* w = nullptr;  // [groups, outputs, inputs]
  void* y = nullptr;        // [rows, outputs], row stride ldy elements; aliases nothing.
  int64_t rows = 0;         // kMasked: of all groups together.
  int64_t outputs = 0;      // A multiple of 8 for BF16 output, of 2 for F32.
  int64_t inputs = 0;       // A multiple of 16 bytes.
  int64_t ldx = 0;          // A multiple of 16 bytes.
  int64_t ldy = 0;          // A multiple of 16 bytes.

  // FP8 only. x_scale [ceil(inputs / 128), x_scale_stride]: row r's scale of a block of K is at r; the stride is a multiple of 4, >= rows.
  const float* x_scale = nullptr;
  int64_t x_scale_stride = 0;
  const float* w_scale = nullptr;  // [groups, ceil(outputs / 128), ceil(inputs / 128)], as a checkpoint has them.

  // kContiguous [groups + 1], ascending, at most rows: groups of a layer in two pieces of memory take two products; kMasked [groups].
  const int32_t* group_rows = nullptr;
  int64_t group_x_stride = 0;  // kBatched; inputs is then a multiple of 128 bytes.
  int64_t group_y_stride = 0;  // kBatched.
  // Rows that a group is likely to have; 0 = rows / groups. It picks the tile, which changes no bit.
  int64_t expected_rows = 0;
  GemmTile tile;  // The one to compute with; rows 0 = picked by shape.
};

// Empty, or what is wrong with the arguments. Reads no memory.
std::string GemmProblem(const GemmArgs& args);

GemmSizes GemmSizesOf(const GemmArgs& args);

// args.tile, or the one that suits the shape best on so many multiprocessors.
GemmTile GemmTileOf(const GemmArgs& args, int multiprocessors);

// Enqueues the product. Rows of y that belong to no group are not written.
Status Gemm(const GemmArgs& args, Stream stream);

}  // namespace baleen::cuda

#endif  // BALEEN_KERNELS_CUDA_GEMM_GEMM_H_
