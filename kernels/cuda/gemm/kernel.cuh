// The GEMM kernel: persistent blocks, one warpgroup that loads through the copy engine and one or two that multiply.
#ifndef BALEEN_KERNELS_CUDA_GEMM_KERNEL_CUH_
#define BALEEN_KERNELS_CUDA_GEMM_KERNEL_CUH_

#include <cuda.h>

#include <cstdint>

#include "kernels/cuda/base/swizzle.h"
#include "kernels/cuda/gemm/block.cuh"
#include "kernels/cuda/gemm/config.h"
#include "kernels/cuda/gemm/store.cuh"
#include "kernels/cuda/gemm/tile_schedule.h"
#include "kernels/cuda/ptx/mbarrier.cuh"
#include "kernels/cuda/ptx/tma.cuh"
#include "kernels/cuda/ptx/wgmma.cuh"

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

// One thread: brings every slab of every tile.
template <typename Config>
__device__ inline void Load(const Params& params, const Shared<Config>& shared, int64_t n_tiles, int64_t slabs, const CUtensorMap* map_x,
                            const CUtensorMap* map_w) {
  Ring<Config> ring;
  const int64_t tiles = shared.ends[params.groups - 1] * n_tiles;
  for (int64_t index = blockIdx.x; index < tiles; index += gridDim.x) {
    const Tile tile = TileAt(index, shared.ends, params.groups, n_tiles);
    const int32_t x_row = static_cast<int32_t>(RowsOf(params, tile.group).begin + static_cast<int64_t>(tile.m) * Config::kTileRows);
    const int32_t w_row = static_cast<int32_t>(tile.group * params.outputs + static_cast<int64_t>(tile.n) * kGemmTileOutputs);
    const uint32_t scale_bytes = Config::kScaled ? ScaleBytes<Config>(params, x_row) : 0;
    const float* scale = params.x_scale + x_row / 4 * 4;
    const int32_t x_column = params.grouping == RowGroups::kBatched ? static_cast<int32_t>(tile.group * params.group_x_stride) : 0;
    for (int64_t slab = 0; slab < slabs; ++slab) {
      const int32_t column = static_cast<int32_t>(slab) * Config::kSlab;
      Barrier* const full = shared.full + ring.stage;
      shared.empty[ring.stage].Wait(ring.parity ^ 1);
      full->ArriveExpect(Config::kXBytes + Config::kWBytes + scale_bytes);
      LoadBox(map_x, full, shared.x(ring.stage), x_column + column, x_row);
      LoadBox(map_w, full, shared.w(ring.stage), column, w_row);
      if constexpr (Config::kScaled) LoadBytes(scale, full, shared.scale(ring.stage), scale_bytes), scale += params.x_scale_stride;
      ring.Advance();
    }
  }
}

template <typename Config>
__device__ inline void Multiply(float (&sums)[64], uint64_t x, uint64_t w, bool fresh) {
  if constexpr (Config::kScaled) {
    MultiplyE4m3N128(sums, x, w, fresh);
  } else {
    MultiplyBf16N128(sums, x, w, fresh);
  }
}

// Issues the products of one slab.
template <typename Config>
__device__ inline void MultiplySlab(float (&sums)[64], uint64_t x, uint64_t w, bool fresh) {
#pragma unroll
  for (int k = 0; k < kProductsPerSlab; ++k) Multiply<Config>(sums, Advance(x, 32 * k), Advance(w, 32 * k), fresh && k == 0);
}

// One tile's sums of this warpgroup. FP8: every slab's sums are scaled and added, in order. The tile's rows have their scales from
// `first_scale` on.
template <typename Config>
__device__ inline void SumScaled(const Shared<Config>& shared, Ring<Config>& ring, int64_t slabs, int first_scale, const float* w_scale,
                                 float (&total)[Config::kSubTiles][64]) {
  const int thread = threadIdx.x % kWarpgroupThreads;
  const int first = threadIdx.x / kWarpgroupThreads * Config::kSubTiles * kProductRows;
  const int row = first_scale + first + FragmentRow(thread, 0);
  float next_scale = __ldg(w_scale);
  for (int64_t slab = 0; slab < slabs; ++slab) {
    const float block_scale = next_scale;
    if (slab + 1 < slabs) next_scale = __ldg(w_scale + slab + 1);
    shared.full[ring.stage].Wait(ring.parity);
    float upper[Config::kSubTiles];
    float lower[Config::kSubTiles];
#pragma unroll
    for (int sub = 0; sub < Config::kSubTiles; ++sub) {
      upper[sub] = shared.scale(ring.stage)[row + sub * kProductRows] * block_scale;
      lower[sub] = shared.scale(ring.stage)[row + sub * kProductRows + 8] * block_scale;
    }
    const uint64_t x = RowsAlongK(SharedAddress(shared.x(ring.stage)) + first * kSlabBytes);
    const uint64_t w = RowsAlongK(SharedAddress(shared.w(ring.stage)));
#pragma unroll
    for (int sub = 0; sub < Config::kSubTiles; ++sub) {
      float sums[64];
      PinSums(sums);
      ProductsBegin();
      MultiplySlab<Config>(sums, Advance(x, sub * kProductRows * kSlabBytes), w, true);
      ProductsCommit();
      ProductsWait<0>();
      PinSums(sums);
      if (sub == Config::kSubTiles - 1 && thread % 32 == 0) shared.empty[ring.stage].Arrive();
#pragma unroll
      for (int i = 0; i < 64; i += 4) {
        total[sub][i] = fmaf(sums[i], upper[sub], total[sub][i]);
        total[sub][i + 1] = fmaf(sums[i + 1], upper[sub], total[sub][i + 1]);
        total[sub][i + 2] = fmaf(sums[i + 2], lower[sub], total[sub][i + 2]);
        total[sub][i + 3] = fmaf(sums[i + 3], lower[sub], total[sub][i + 3]);
      }
    }
    ring.Advance();
  }
}

// BF16: the tensor cores' own sums, one slab in flight behind the other.
template <typename Config>
__device__ inline void SumPlain(const Shared<Config>& shared, Ring<Config>& ring, int64_t slabs, float (&total)[Config::kSubTiles][64]) {
  const int thread = threadIdx.x % kWarpgroupThreads;
  const int first = threadIdx.x / kWarpgroupThreads * Config::kSubTiles * kProductRows;
  int last_stage = 0;
#pragma unroll
  for (int sub = 0; sub < Config::kSubTiles; ++sub) PinSums(total[sub]);
  for (int64_t slab = 0; slab < slabs; ++slab) {
    shared.full[ring.stage].Wait(ring.parity);
    const uint64_t x = RowsAlongK(SharedAddress(shared.x(ring.stage)) + first * kSlabBytes);
    const uint64_t w = RowsAlongK(SharedAddress(shared.w(ring.stage)));
    ProductsBegin();
#pragma unroll
    for (int sub = 0; sub < Config::kSubTiles; ++sub) {
      MultiplySlab<Config>(total[sub], Advance(x, sub * kProductRows * kSlabBytes), w, slab == 0);
    }
    ProductsCommit();
    ProductsWait<1>();
    if (slab > 0 && thread % 32 == 0) shared.empty[last_stage].Arrive();
    last_stage = ring.stage;
    ring.Advance();
  }
  ProductsWait<0>();
#pragma unroll
  for (int sub = 0; sub < Config::kSubTiles; ++sub) PinSums(total[sub]);
  if (thread % 32 == 0) shared.empty[last_stage].Arrive();
}

template <typename Config>
__device__ inline void Consume(const Params& params, const Shared<Config>& shared, int64_t n_tiles, int64_t slabs) {
  Ring<Config> ring;
  const int64_t tiles = shared.ends[params.groups - 1] * n_tiles;
  for (int64_t index = blockIdx.x; index < tiles; index += gridDim.x) {
    const Tile tile = TileAt(index, shared.ends, params.groups, n_tiles);
    float total[Config::kSubTiles][64] = {};
    if constexpr (Config::kScaled) {
      SumScaled(shared, ring, slabs, static_cast<int>(RowsOf(params, tile.group).begin % 4),
                params.w_scale + (tile.group * n_tiles + tile.n) * slabs, total);
    } else {
      SumPlain(shared, ring, slabs, total);
    }
    StoreTile(params, shared, tile, total);
  }
}

template <typename Config>
__global__ void __launch_bounds__(Config::kThreads, 1)
    Kernel(const __grid_constant__ CUtensorMap map_x, const __grid_constant__ CUtensorMap map_w, const __grid_constant__ Params params) {
  extern __shared__ uint8_t raw[];
  const Shared<Config> shared(raw);
  if (threadIdx.x < 32) SumTileRows<Config>(params, shared.ends);
  if (threadIdx.x == kWarpgroupThreads) {
    for (int stage = 0; stage < Config::kStages; ++stage) {
      shared.full[stage].Init(1);
      shared.empty[stage].Init(Config::kWarpgroups * 4);
    }
    FenceBarrierInit();
    PrefetchMap(&map_x);
    PrefetchMap(&map_w);
  }
  __syncthreads();
  const int64_t n_tiles = Ceiling(params.outputs, kGemmTileOutputs);
  const int64_t slabs = Ceiling(params.inputs, Config::kSlab);
  if (threadIdx.x >= Config::kWarpgroups * kWarpgroupThreads) {
    if constexpr (Config::kWarpgroups == 2) ReleaseRegisters<40>();
    if (threadIdx.x == Config::kWarpgroups * kWarpgroupThreads) Load(params, shared, n_tiles, slabs, &map_x, &map_w);
  } else {
    if constexpr (Config::kWarpgroups == 2) TakeRegisters<232>();
    Consume(params, shared, n_tiles, slabs);
  }
}

}  // namespace baleen::cuda::gemm

#endif  // BALEEN_KERNELS_CUDA_GEMM_KERNEL_CUH_
