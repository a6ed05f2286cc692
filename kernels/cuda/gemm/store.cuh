// The way of a tile's sums from registers to device memory.
#ifndef BALEEN_KERNELS_CUDA_GEMM_STORE_CUH_
#define BALEEN_KERNELS_CUDA_GEMM_STORE_CUH_

#include <cuda_bf16.h>

#include <cstdint>

#include "kernels/cuda/gemm/block.cuh"

namespace baleen::cuda::gemm {

// A warp's 16 rows of one 64 x 128 product go through its own shared memory, so that they leave in whole lines.
__device__ inline void StoreBf16(const float (&sums)[64], uint8_t* staged, __nv_bfloat16* y, int64_t ldy, int64_t rows, int64_t columns) {
  const int lane = threadIdx.x % 32;
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    __syncwarp();
#pragma unroll
    for (int value = half * 32; value < half * 32 + 32; value += 2) {
      *reinterpret_cast<__nv_bfloat162*>(staged + StagedOffset(lane, value)) = __floats2bfloat162_rn(sums[value], sums[value + 1]);
    }
    __syncwarp();
#pragma unroll
    for (int pass = 0; pass < kStagedPasses; ++pass) {
      const int row = StagedRow(lane, pass);
      const int column = half * kStagedColumns + StagedColumn(lane);
      if (row < rows && column < columns) {
        *reinterpret_cast<uint4*>(y + row * ldy + column) =
            *reinterpret_cast<const uint4*>(staged + row * kStagedRowBytes + StagedColumn(lane) * 2);
      }
    }
  }
}

__device__ inline void StoreF32(const float (&sums)[64], float* y, int64_t ldy, int64_t rows, int64_t columns) {
  const int lane = threadIdx.x % 32;
#pragma unroll
  for (int value = 0; value < 64; value += 2) {
    const int row = FragmentRow(lane, value);
    const int column = FragmentColumn(lane, value);
    if (row < rows && column < columns) *reinterpret_cast<float2*>(y + row * ldy + column) = make_float2(sums[value], sums[value + 1]);
  }
}

template <typename Config>
__device__ inline void StoreTile(const Params& params, const Shared<Config>& shared, const Tile& tile,
                                 float (&total)[Config::kSubTiles][64]) {
  const RowRange group = RowsOf(params, tile.group);
  const int warp = threadIdx.x / 32;
  const int64_t column = static_cast<int64_t>(tile.n) * kGemmTileOutputs;
  const int64_t shift = params.grouping == RowGroups::kBatched ? tile.group * params.group_y_stride : 0;
#pragma unroll
  for (int sub = 0; sub < Config::kSubTiles; ++sub) {
    const int64_t row =
        static_cast<int64_t>(tile.m) * Config::kTileRows + (warp / 4 * Config::kSubTiles + sub) * kProductRows + warp % 4 * 16;
    const int64_t at = (group.begin + row) * params.ldy + shift + column;
    if constexpr (Config::kOutput == DType::kBf16) {
      StoreBf16(total[sub], shared.staged + warp * kStagedRows * kStagedRowBytes, static_cast<__nv_bfloat16*>(params.y) + at, params.ldy,
                group.count - row, params.outputs - column);
    } else {
      StoreF32(total[sub], static_cast<float*>(params.y) + at, params.ldy, group.count - row, params.outputs - column);
    }
  }
}

}  // namespace baleen::cuda::gemm

#endif  // BALEEN_KERNELS_CUDA_GEMM_STORE_CUH_
