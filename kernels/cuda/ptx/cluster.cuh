// Blocks of a cluster: they run at the same time and reach each other's shared memory (PTX ISA, "Cluster").
#ifndef BALEEN_KERNELS_CUDA_PTX_CLUSTER_CUH_
#define BALEEN_KERNELS_CUDA_PTX_CLUSTER_CUH_

#include <cstdint>

#include "kernels/cuda/ptx/mbarrier.cuh"

namespace baleen::cuda {

// Waits for all threads of all blocks, and for nothing that they wrote: with a release it would wait for every store. No thread need be
// converged with its warp.
__device__ inline void ClusterSync() {
  asm volatile(
      "barrier.cluster.arrive.relaxed;\n"
      "barrier.cluster.wait.acquire;" ::
          : "memory");
}

// The address, within the cluster, of what lies at `pointer` in the block of that rank.
__device__ inline uint32_t AddressAt(const void* pointer, uint32_t rank) {
  uint32_t there;
  asm("mapa.shared::cluster.u32 %0, %1, %2;" : "=r"(there) : "r"(SharedAddress(pointer)), "r"(rank));
  return there;
}

// Arrives at a Barrier by its address within the cluster.
__device__ inline void ArriveAt(uint32_t barrier) {
  asm volatile("mbarrier.arrive.shared::cluster.b64 _, [%0];" ::"r"(barrier) : "memory");
}

}  // namespace baleen::cuda

#endif  // BALEEN_KERNELS_CUDA_PTX_CLUSTER_CUH_
