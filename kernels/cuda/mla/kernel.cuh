// The attention kernel: a thread block takes 64 heads, and splits of rows one after the other. Two warpgroups multiply, one loads.
#ifndef BALEEN_KERNELS_CUDA_MLA_KERNEL_CUH_
#define BALEEN_KERNELS_CUDA_MLA_KERNEL_CUH_

#include <cuda.h>

#include "kernels/cuda/mla/attend.cuh"
#include "kernels/cuda/mla/block.cuh"
#include "kernels/cuda/mla/load.cuh"
#include "kernels/cuda/mla/walk.cuh"
#include "kernels/cuda/ptx/mbarrier.cuh"

namespace baleen::cuda::mla {

__device__ inline void InitBarriers(const Shared& shared) {
  for (int i = 0; i < kStages * kTiles; ++i) shared.full[i].Init(1);
  for (int i = 0; i < kStages * 2; ++i) shared.empty[i].Init(kRoleWarps);
  shared.query_full->Init(2);
  shared.scored->Init(2 * kRoleWarps);
  FenceBarrierInit();
}

// Blocks: parts of the work, each by tiles of heads. Those of one part read the same keys at about the same time, through the L2 cache.
__global__ void __launch_bounds__(kThreads, 1)
    Kernel(const __grid_constant__ CUtensorMap map_query, const __grid_constant__ CUtensorMap map_pages,
           const __grid_constant__ Params params) {
  extern __shared__ uint8_t raw[];
  const Shared shared(raw);
  if (threadIdx.x == 0) InitBarriers(shared);
  FindTasks(params, blockIdx.x / params.head_tiles, gridDim.x / params.head_tiles, reinterpret_cast<int64_t*>(shared.share), shared.bounds);
  Walk walk(params, shared.bounds, blockIdx.x % params.head_tiles);
  const int role = threadIdx.x / kRoleThreads;
  if (role == 2) {
    ReleaseRegisters<24>();
    const int half = threadIdx.x / 32 % kRoleWarps;
    if (half < 2 && ElectOne()) LoadHalf(params, shared, walk, {&map_query, &map_pages}, half);
  } else {
    TakeRegisters<240>();
    if (role == kLeft) {
      for (; !walk.done(); walk.Advance()) AttendLeft(params, shared, walk.task());
    } else {
      for (; !walk.done(); walk.Advance()) AttendRight(params, shared, walk.task());
    }
  }
}

}  // namespace baleen::cuda::mla

#endif  // BALEEN_KERNELS_CUDA_MLA_KERNEL_CUH_
