// The GEMM kernel: persistent blocks, one warpgroup that loads through the copy engine and one to three that multiply.
#ifndef BALEEN_KERNELS_CUDA_GEMM_KERNEL_CUH_
#define BALEEN_KERNELS_CUDA_GEMM_KERNEL_CUH_

#include <cuda.h>

#include <cstdint>

#include "kernels/cuda/gemm/block.cuh"
#include "kernels/cuda/gemm/load.cuh"
#include "kernels/cuda/gemm/store.cuh"
#include "kernels/cuda/gemm/sums.cuh"
#include "kernels/cuda/ptx/cluster.cuh"
#include "kernels/cuda/ptx/mbarrier.cuh"
#include "kernels/cuda/ptx/tma.cuh"

namespace baleen::cuda::gemm {

// The weights' scales of a tile, one a slab; all its outputs lie in one block of 128.
template <typename Config>
__device__ inline const float* WeightScales(const Params& params, const Tile& tile, int slabs) {
  static_assert(kScaleBlock % Config::kTileOutputs == 0);
  const int64_t block = tile.group * Ceiling(params.outputs, kScaleBlock) + tile.n * Config::kTileOutputs / kScaleBlock;
  return params.w_scale + block * slabs;
}

template <typename Config>
__device__ inline void Consume(const Params& params, const Shared<Config>& shared) {
  Ring<Config> ring;
  const Stages<Config> stages(params, shared);
  const int slabs = static_cast<int>(Ceiling(params.inputs, Config::kSlab));
  for (Walk<Config> walk(params, shared.ends); !walk.done(); walk.Next(params)) {
    const Tile tile = walk.TileOf(params, shared.ends);
    float total[Config::kSubTiles][Config::kValues] = {};
    if constexpr (Config::kScaled) {
      const int first_scale = static_cast<int>(RowsOf(params, tile.group).begin % 4);
      const BlockScales block_scales(WeightScales<Config>(params, tile, slabs), slabs);
      if constexpr (Config::kAhead) {
        SumScaledAhead(stages, ring, slabs, first_scale, block_scales, total[0]);
      } else {
        SumScaled(stages, ring, slabs, first_scale, block_scales, total);
      }
    } else {
      SumPlain(stages, ring, slabs, total);
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
      shared.full[stage].Init(2);
      shared.empty[stage].Init(Config::kWarpgroups * 4 * params.cluster);
    }
    FenceBarrierInit();
    PrefetchMap(&map_x);
    PrefetchMap(&map_w);
  }
  __syncthreads();
  if (params.cluster > 1) ClusterSync();
  if (threadIdx.x >= Config::kWarpgroups * kWarpgroupThreads) {
    if constexpr (Config::kWarpgroups > 1) ReleaseRegisters<Config::kLoadRegisters>();
    const int warp = static_cast<int>(threadIdx.x) / 32 - Config::kWarpgroups * 4;
    if (warp == 0 && ElectOne()) LoadX(params, shared, &map_x);
    if (warp == 1 && ElectOne()) LoadW(params, shared, &map_w);
  } else {
    if constexpr (Config::kWarpgroups > 1) TakeRegisters<Config::kMultiplyRegisters>();
    Consume(params, shared);
  }
  // Others may still write to this block's shared memory and arrive at its barriers.
  if (params.cluster > 1) ClusterSync();
}

}  // namespace baleen::cuda::gemm

#endif  // BALEEN_KERNELS_CUDA_GEMM_KERNEL_CUH_
