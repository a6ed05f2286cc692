// The bulk tensor copy engine: boxes of a tensor between device memory and shared memory.
#ifndef BALEEN_KERNELS_CUDA_PTX_TMA_CUH_
#define BALEEN_KERNELS_CUDA_PTX_TMA_CUH_

#include <cuda.h>

#include <cstdint>

#include "kernels/cuda/ptx/mbarrier.cuh"

namespace baleen::cuda {

__device__ inline void PrefetchMap(const CUtensorMap* map) {
  asm volatile("prefetch.tensormap [%0];" ::"l"(reinterpret_cast<uint64_t>(map)) : "memory");
}

// Copies the box whose first element is (column, row); that element's address must be a multiple of 16, or the instruction is illegal. What
// lies outside the tensor arrives as zeros. Counts the whole box's bytes on `done`.
__device__ inline void LoadBox(const CUtensorMap* map, Barrier* done, void* to, int32_t column, int32_t row) {
  asm volatile(
      "cp.async.bulk.tensor.2d.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1, {%3, %4}], [%2];" ::"r"(SharedAddress(to)),
      "l"(reinterpret_cast<uint64_t>(map)), "r"(SharedAddress(done)), "r"(column), "r"(row)
      : "memory");
}

// The same into every block of the cluster whose bit is set in `blocks`: to the place of `to`, counted on the barrier at the place of
// `done`.
__device__ inline void LoadBoxTo(uint16_t blocks, const CUtensorMap* map, Barrier* done, void* to, int32_t column, int32_t row) {
  asm volatile(
      "cp.async.bulk.tensor.2d.shared::cluster.global.mbarrier::complete_tx::bytes.multicast::cluster [%0], [%1, {%3, %4}], [%2], %5;" ::
          "r"(SharedAddress(to)),
      "l"(reinterpret_cast<uint64_t>(map)), "r"(SharedAddress(done)), "r"(column), "r"(row), "h"(blocks)
      : "memory");
}

// The same as LoadBox of a tensor with three dimensions.
__device__ inline void LoadBox(const CUtensorMap* map, Barrier* done, void* to, int32_t column, int32_t row, int32_t plane) {
  asm volatile("cp.async.bulk.tensor.3d.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1, {%3, %4, %5}], [%2];" ::"r"(
                   SharedAddress(to)),
               "l"(reinterpret_cast<uint64_t>(map)), "r"(SharedAddress(done)), "r"(column), "r"(row), "r"(plane)
               : "memory");
}

// Copies `bytes` (a multiple of 16) from device memory as they lie there; both addresses are multiples of 16.
__device__ inline void LoadBytes(const void* from, Barrier* done, void* to, uint32_t bytes) {
  asm volatile("cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes [%0], [%1], %2, [%3];" ::"r"(SharedAddress(to)),
               "l"(from), "r"(bytes), "r"(SharedAddress(done))
               : "memory");
}

// Copies a box out of shared memory; what lies outside the tensor is not written. Ordinary writes that a barrier put before are read by it
// after FenceAsyncProxy in each thread that wrote.
__device__ inline void StoreBox(const CUtensorMap* map, const void* from, int32_t column, int32_t row) {
  asm volatile("cp.async.bulk.tensor.2d.global.shared::cta.bulk_group [%0, {%2, %3}], [%1];" ::"l"(reinterpret_cast<uint64_t>(map)),
               "r"(SharedAddress(from)), "r"(column), "r"(row)
               : "memory");
}
// Closes a group of this thread's stores.
__device__ inline void StoresCommit() { asm volatile("cp.async.bulk.commit_group;" ::: "memory"); }
// Waits until all of this thread's stores have read shared memory.
__device__ inline void StoresRead() { asm volatile("cp.async.bulk.wait_group.read 0;" ::: "memory"); }

}  // namespace baleen::cuda

#endif  // BALEEN_KERNELS_CUDA_PTX_TMA_CUH_
