// The way of a tile's sums from registers to device memory.
#ifndef BALEEN_KERNELS_CUDA_GEMM_STORE_CUH_
#define BALEEN_KERNELS_CUDA_GEMM_STORE_CUH_

#include <cuda.h>
#include <cuda_bf16.h>

#include <cstdint>

#include "kernels/cuda/gemm/block.cuh"
#include "kernels/cuda/ptx/tma.cuh"

namespace baleen::cuda::gemm {

// One box by the warp's lanes, as far as it has rows and columns.
template <typename Staging>
__device__ inline void CopyBox(const uint8_t* staged, __nv_bfloat16* y, int64_t ldy, int rows, int columns) {
  const int lane = threadIdx.x % 32;
  const int column = Staging::Column(lane);
#pragma unroll
  for (int pass = 0; pass < Staging::kPasses; ++pass) {
    const int row = Staging::Row(lane, pass);
    if (row < rows && column < columns) {
      *reinterpret_cast<uint4*>(y + row * ldy + column) = *reinterpret_cast<const uint4*>(staged + Staging::InBox(row, column));
    }
  }
}

// A warp's 16 rows of one product, which begin at `row` of the tile, by way of its own shared memory, box by box.
template <typename Config>
__device__ inline void StoreBf16(const Params& params, const CUtensorMap* map, const Place& place, int row,
                                 const float (&sums)[Config::kValues], uint8_t* staged) {
  using Staging = Staging<Config::kTileOutputs>;
  const int rows = place.rows - row;
  if (rows <= 0) return;
  const int lane = threadIdx.x % 32;
#pragma unroll
  for (int box = 0; box < Staging::kBoxes; ++box) {
#pragma unroll
    for (int value = box * Staging::kValues; value < (box + 1) * Staging::kValues; value += 2) {
      *reinterpret_cast<__nv_bfloat162*>(staged + Staging::Offset(lane, value)) = __floats2bfloat162_rn(sums[value], sums[value + 1]);
    }
    if constexpr (Config::kStoresBehind) FenceAsyncProxy();
    __syncwarp();
    const int column = box * Staging::kColumns;
    const int columns = place.columns - column;
    const bool whole = Staging::kColumns == kStagedColumns && rows >= kStagedRows && columns >= kStagedColumns;
    if (Config::kStoresBehind && whole) {
      if (ElectOne()) StoreBox(map, staged, place.column + column, place.row + row);
    } else {
      __nv_bfloat16* const y = static_cast<__nv_bfloat16*>(params.y) + (place.row + row) * params.ldy + place.column + column;
      CopyBox<Staging>(staged, y, params.ldy, rows, columns);
    }
    if constexpr (Config::kStoresBehind) {
      staged += kStagedBoxBytes;
    } else {
      __syncwarp();
    }
  }
}

template <int kValues>
__device__ inline void StoreF32(const float (&sums)[kValues], float* y, int64_t ldy, int rows, int columns) {
  const int lane = threadIdx.x % 32;
#pragma unroll
  for (int value = 0; value < kValues; value += 2) {
    const int row = FragmentRow(lane, value);
    const int column = FragmentColumn(lane, value);
    if (row < rows && column < columns) *reinterpret_cast<float2*>(y + row * ldy + column) = make_float2(sums[value], sums[value + 1]);
  }
}

template <typename Config>
__device__ inline void StoreTile(const Params& params, const Shared<Config>& shared, const CUtensorMap* map, const Place& place,
                                 float (&total)[Config::kSubTiles][Config::kValues]) {
  const int warp = threadIdx.x / 32;
  if constexpr (Config::kStoresBehind) {
    StoresRead();  // The tile before.
    __syncwarp();
  }
#pragma unroll
  for (int sub = 0; sub < Config::kSubTiles; ++sub) {
    const int row = (warp / 4 * Config::kSubTiles + sub) * kProductRows + warp % 4 * 16;
    if constexpr (Config::kOutput == DType::kBf16) {
      StoreBf16<Config>(params, map, place, row, total[sub], shared.staged + warp * Config::kWarpBoxes * kStagedBoxBytes);
    } else {
      float* const y = static_cast<float*>(params.y) + (place.row + row) * params.ldy + place.column;
      StoreF32(total[sub], y, params.ldy, place.rows - row, place.columns);
    }
  }
  if constexpr (Config::kStoresBehind) StoresCommit();
}

}  // namespace baleen::cuda::gemm

#endif  // BALEEN_KERNELS_CUDA_GEMM_STORE_CUH_
