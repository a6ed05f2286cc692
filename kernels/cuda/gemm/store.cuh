// The way of a tile's sums from registers to device memory.
#ifndef BALEEN_KERNELS_CUDA_GEMM_STORE_CUH_
#define BALEEN_KERNELS_CUDA_GEMM_STORE_CUH_

#include <cuda_bf16.h>

#include <cstdint>

#include "kernels/cuda/gemm/block.cuh"

namespace baleen::cuda::gemm {

// A warp's 16 rows of one 64 x kOutputs product go through its own shared memory, so that they leave in whole lines.
template <int kOutputs>
__device__ inline void StoreBf16(const float (&sums)[kOutputs / 2], uint8_t* staged, __nv_bfloat16* y, int64_t ldy, int64_t rows,
                                 int64_t columns) {
  using Staging = Staging<kOutputs>;
  const int lane = threadIdx.x % 32;
#pragma unroll
  for (int piece = 0; piece < Staging::kPieces; ++piece) {
    __syncwarp();
#pragma unroll
    for (int value = piece * Staging::kValues; value < (piece + 1) * Staging::kValues; value += 2) {
      *reinterpret_cast<__nv_bfloat162*>(staged + Staging::Offset(lane, value)) = __floats2bfloat162_rn(sums[value], sums[value + 1]);
    }
    __syncwarp();
#pragma unroll
    for (int pass = 0; pass < Staging::kPasses; ++pass) {
      const int row = Staging::Row(lane, pass);
      const int column = piece * Staging::kColumns + Staging::Column(lane);
      if (row < rows && column < columns) {
        *reinterpret_cast<uint4*>(y + row * ldy + column) =
            *reinterpret_cast<const uint4*>(staged + row * Staging::kRowBytes + Staging::Column(lane) * 2);
      }
    }
  }
}

template <int kValues>
__device__ inline void StoreF32(const float (&sums)[kValues], float* y, int64_t ldy, int64_t rows, int64_t columns) {
  const int lane = threadIdx.x % 32;
#pragma unroll
  for (int value = 0; value < kValues; value += 2) {
    const int row = FragmentRow(lane, value);
    const int column = FragmentColumn(lane, value);
    if (row < rows && column < columns) *reinterpret_cast<float2*>(y + row * ldy + column) = make_float2(sums[value], sums[value + 1]);
  }
}

template <typename Config>
__device__ inline void StoreTile(const Params& params, const Shared<Config>& shared, const Tile& tile,
                                 float (&total)[Config::kSubTiles][Config::kValues]) {
  const RowRange group = RowsOf(params, tile.group);
  const int warp = threadIdx.x / 32;
  const int64_t first = static_cast<int64_t>(tile.m) * Config::kTileRows;
  const int64_t left = group.count - first;
  const int64_t rows = left < Config::kTileRows ? left : Config::kTileRows;
  const int64_t column = static_cast<int64_t>(tile.n) * Config::kTileOutputs;
  const int64_t shift = params.grouping == RowGroups::kBatched ? tile.group * params.group_y_stride : 0;
#pragma unroll
  for (int sub = 0; sub < Config::kSubTiles; ++sub) {
    const int row = (warp / 4 * Config::kSubTiles + sub) * kProductRows + warp % 4 * 16;
    const int64_t at = (group.begin + first + row) * params.ldy + shift + column;
    if constexpr (Config::kOutput == DType::kBf16) {
      StoreBf16<Config::kTileOutputs>(total[sub], shared.staged + warp * Staging<Config::kTileOutputs>::kBytes,
                                      static_cast<__nv_bfloat16*>(params.y) + at, params.ldy, rows - row, params.outputs - column);
    } else {
      StoreF32(total[sub], static_cast<float*>(params.y) + at, params.ldy, rows - row, params.outputs - column);
    }
  }
}

}  // namespace baleen::cuda::gemm

#endif  // BALEEN_KERNELS_CUDA_GEMM_STORE_CUH_
