// The GEMM kernel: persistent blocks, one warpgroup that loads through the copy engine and one or two that multiply.
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

template <typename Config>
__device__ inline void Consume(const Params& params, const Shared<Config>& shared, const CUtensorMap* map_y) {
  Ring<Config> ring;
  PlaceRing<Config> places;
  const Stages<Config> stages(params, shared);
  const int slabs = static_cast<int>(Ceiling(params.inputs, Config::kSlab));
  for (Walk<Config> walk(params, shared.ends); !walk.done(); walk.Next(params)) {
    const Place& place = shared.places[places.index];
    float total[Config::kSubTiles][Config::kValues] = {};
    if constexpr (Config::kScaled) {
      stages.Wait(ring);  // The place comes with the first slab.
      const int first_scale = place.first_scale;
      if constexpr (Config::kAhead) {
        SumScaledAhead(stages, ring, slabs, first_scale, total[0]);
      } else {
        SumScaled(stages, ring, slabs, first_scale, total);
      }
    } else {
      SumPlain(stages, ring, slabs, total);
    }
    StoreTile(params, shared, map_y, place, total);
    places.Advance();
  }
  if constexpr (Config::kStoresBehind) StoresRead();
}

template <typename Config>
__global__ void __launch_bounds__(Config::kThreads, 1)
    Kernel(const __grid_constant__ CUtensorMap map_x, const __grid_constant__ CUtensorMap map_w, const __grid_constant__ CUtensorMap map_y,
           const __grid_constant__ Params params) {
  extern __shared__ uint8_t raw[];
  const Shared<Config> shared(raw);
  if (threadIdx.x < 32) SumTileRows<Config>(params, shared.ends);
  if (threadIdx.x == kWarpgroupThreads) {
    for (int stage = 0; stage < Config::kStages; ++stage) {
      shared.full[stage].Init(3);  // x, w, scales.
      shared.empty[stage].Init(Config::kWarpgroups * 4 * params.cluster);
    }
    FenceBarrierInit();
    PrefetchMap(&map_x);
    PrefetchMap(&map_w);
    if constexpr (Config::kStoresBehind) PrefetchMap(&map_y);
  }
  __syncthreads();
  if (params.cluster > 1) ClusterSync();
  if (threadIdx.x >= Config::kWarpgroups * kWarpgroupThreads) {
    if constexpr (Config::kWarpgroups > 1) ReleaseRegisters<Config::kLoadRegisters>();
    const int warp = static_cast<int>(threadIdx.x) / 32 - Config::kWarpgroups * 4;
    if (warp == 0 && ElectOne()) LoadX(params, shared, &map_x);
    if (warp == 1 && ElectOne()) LoadW(params, shared, &map_w);
    if (warp == 2) Describe(params, shared);
  } else {
    if constexpr (Config::kWarpgroups > 1) TakeRegisters<Config::kMultiplyRegisters>();
    Consume(params, shared, &map_y);
  }
  // Others may still write to this block's shared memory and arrive at its barriers.
  if (params.cluster > 1) ClusterSync();
}

}  // namespace baleen::cuda::gemm

#endif  // BALEEN_KERNELS_CUDA_GEMM_KERNEL_CUH_
