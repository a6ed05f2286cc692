// The loading side of a GEMM block.
#ifndef BALEEN_KERNELS_CUDA_GEMM_LOAD_CUH_
#define BALEEN_KERNELS_CUDA_GEMM_LOAD_CUH_

#include <cuda.h>

#include <cstdint>

#include "kernels/cuda/gemm/block.cuh"
#include "kernels/cuda/ptx/tma.cuh"

namespace baleen::cuda::gemm {

// ends[g] for all groups, by the block's first warp.
template <typename Config>
__device__ inline void SumTileRows(const Params& params, int32_t* ends) {
  const int lane = threadIdx.x % 32;
  int32_t before = 0;
  for (int first = 0; first < params.groups; first += 32) {
    const int group = first + lane;
    int32_t sum = group < params.groups ? static_cast<int32_t>(Ceiling(RowsOf(params, group).count, Config::kTileRows)) : 0;
#pragma unroll
    for (int step = 1; step < 32; step *= 2) {
      const int32_t other = __shfl_up_sync(0xffffffffu, sum, step);
      if (lane >= step) sum += other;
    }
    if (group < params.groups) ends[group] = before + sum;
    before += __shfl_sync(0xffffffffu, sum, 31);
  }
}

// What is copied of each row of x_scale for a tile that begins at `x_row`: from the multiple of 4 below it on, as the copy engine wants
// addresses, and nothing behind the array.
template <typename Config>
__device__ inline uint32_t ScaleBytes(const Params& params, int64_t x_row) {
  const int64_t left = params.x_scale_stride - x_row / 4 * 4;
  return static_cast<uint32_t>(left < Config::kScales ? left : Config::kScales) * 4;
}

// One thread: brings x and its scales, every slab of every tile. Each block of the cluster brings its share of the rows to all.
template <typename Config>
__device__ inline void LoadX(const Params& params, const Shared<Config>& shared, const CUtensorMap* map) {
  Ring<Config> ring;
  const int slabs = static_cast<int>(Ceiling(params.inputs, Config::kSlab));
  const int share_begin = Config::kTileRows / params.cluster * RankOf(params);
  const uint16_t everyone = static_cast<uint16_t>((1 << params.cluster) - 1);
  for (Walk<Config> walk(params, shared.ends); !walk.done(); walk.Next(params)) {
    const Tile tile = walk.TileOf(params, shared.ends);
    const int32_t row = static_cast<int32_t>(RowsOf(params, tile.group).begin + static_cast<int64_t>(tile.m) * Config::kTileRows);
    const uint32_t scale_bytes = Config::kScaled ? ScaleBytes<Config>(params, row) : 0;
    const float* scale = params.x_scale + row / 4 * 4;
    int32_t column = params.grouping == RowGroups::kBatched ? static_cast<int32_t>(tile.group * params.group_x_stride) : 0;
#pragma unroll 1
    for (int slab = 0; slab < slabs; ++slab) {
      Barrier* const full = shared.full + ring.stage;
      shared.empty[ring.stage].Wait(ring.parity ^ 1);
      full->ArriveExpect(Config::kTileRows * kSlabBytes + scale_bytes);
      if (params.cluster == 1) {
        LoadBox(map, full, shared.x(ring.stage), column, row);
      } else {
        LoadBoxTo(everyone, map, full, shared.x(ring.stage) + share_begin * kSlabBytes, column, row + share_begin);
      }
      if constexpr (Config::kScaled) LoadBytes(scale, full, shared.scale(ring.stage), scale_bytes);
      scale += params.x_scale_stride;
      column += Config::kSlab;
      ring.Advance();
    }
  }
}

// One thread of another warp, since issuing takes as long as the products of a small tile: brings w.
template <typename Config>
__device__ inline void LoadW(const Params& params, const Shared<Config>& shared, const CUtensorMap* map) {
  Ring<Config> ring;
  const int slabs = static_cast<int>(Ceiling(params.inputs, Config::kSlab));
  for (Walk<Config> walk(params, shared.ends); !walk.done(); walk.Next(params)) {
    const Tile tile = walk.TileOf(params, shared.ends);
    const int32_t row = static_cast<int32_t>(tile.group * params.outputs + static_cast<int64_t>(tile.n) * Config::kTileOutputs);
#pragma unroll 1
    for (int slab = 0; slab < slabs; ++slab) {
      Barrier* const full = shared.full + ring.stage;
      shared.empty[ring.stage].Wait(ring.parity ^ 1);
      full->ArriveExpect(Config::kWBytes);
      LoadBox(map, full, shared.w(ring.stage), slab * Config::kSlab, row);
      ring.Advance();
    }
  }
}

}  // namespace baleen::cuda::gemm

#endif  // BALEEN_KERNELS_CUDA_GEMM_LOAD_CUH_
