// Sums of integers by bin over a cluster of thread blocks: in each block's shared memory first, then each block merges a slice of the bins.
#ifndef BALEEN_KERNELS_CUDA_SAMPLING_HISTOGRAM_CUH_
#define BALEEN_KERNELS_CUDA_SAMPLING_HISTOGRAM_CUH_

#include <cooperative_groups.h>

#include <cstdint>

#include "kernels/cuda/sampling/slice.cuh"

namespace baleen::cuda::sampling {

namespace groups = cooperative_groups;

// The same place in a block's shared memory. Worked out anew each time: kept, a cluster's addresses would take the registers that loops
// need.
template <typename T>
__device__ inline T* InBlock(T* own, int block) {
  T* there;
  asm volatile("mapa.u64 %0, %1, %2;" : "=l"(there) : "l"(own), "r"(block));
  return there;
}

__device__ inline uint64_t WarpSum(uint64_t x) {
#pragma unroll
  for (int step = 16; step > 0; step /= 2) x += __shfl_xor_sync(kAllLanes, x, step);
  return x;
}

// In shared memory. Halves of the sums, since shared memory adds 32 bits at once.
template <int kSize>
struct Histogram {
  uint32_t low[kSize];
  uint32_t high[kSize];
  uint64_t slice_sums[kCluster];  // Once merged: the same in all blocks.

  __device__ uint64_t At(int bin) const { return static_cast<uint64_t>(high[bin]) << 32 | low[bin]; }
  __device__ void Set(int bin, uint64_t sum) {
    low[bin] = static_cast<uint32_t>(sum);
    high[bin] = static_cast<uint32_t>(sum >> 32);
  }
  // Once merged.
  __device__ uint64_t Total() const {
    uint64_t total = 0;
#pragma unroll
    for (int block = 0; block < kCluster; ++block) total += slice_sums[block];
    return total;
  }
  // The order of additions does not matter: each overflow of the lower half carries once.
  __device__ void Add(int bin, uint64_t units) {
    const uint32_t add = static_cast<uint32_t>(units);
    const uint32_t before = atomicAdd(low + bin, add);
    const uint32_t carried = static_cast<uint32_t>(units >> 32) + (before + add < before ? 1 : 0);
    if (carried != 0) atomicAdd(high + bin, carried);
  }
};

// The bin in which the running sum reaches a bound, and the sum of all bins before it.
struct Picked {
  int bin;
  uint64_t before;
};

// What merging needs besides.
struct MergeState {
  uint64_t warp_sums[kWarps];
  Picked picked;
};

template <int kSize>
__device__ inline void Clear(Histogram<kSize>& histogram) {
  for (int bin = threadIdx.x; bin < kSize; bin += kThreads) histogram.Set(bin, 0);
  __syncthreads();
}

// Afterwards a block's own histogram holds, in its slice of the bins, the cluster's sums. Called by all threads of the cluster.
template <int kSize>
__device__ inline void Merge(Histogram<kSize>& histogram, MergeState& state) {
  constexpr int kSlice = kSize / kCluster;
  static_assert(kSlice <= kThreads);
  const groups::cluster_group cluster = groups::this_cluster();
  const int rank = static_cast<int>(cluster.block_rank());
  cluster.sync();
  uint64_t sum = 0;
  if (threadIdx.x < kSlice) {
    const int bin = rank * kSlice + static_cast<int>(threadIdx.x);
#pragma unroll
    for (int block = 0; block < kCluster; ++block) sum += InBlock(&histogram, block)->At(bin);
    histogram.Set(bin, sum);
  }
  sum = WarpSum(sum);
  if (threadIdx.x % 32 == 0) state.warp_sums[threadIdx.x / 32] = sum;
  __syncthreads();
  if (threadIdx.x < kCluster) {
    uint64_t all = 0;
#pragma unroll
    for (int warp = 0; warp < kWarps; ++warp) all += state.warp_sums[warp];
    InBlock(&histogram, threadIdx.x)->slice_sums[rank] = all;
  }
  cluster.sync();
}

// By one warp of the block that has the bin in its slice; `before`: the sum of the slices before. Tells all blocks.
template <int kSize>
__device__ inline void PickInSlice(const Histogram<kSize>& histogram, int rank, uint64_t before, uint64_t bound, MergeState& state) {
  constexpr int kEach = kSize / kCluster / 32;
  const int lane = threadIdx.x % 32;
  const int first = rank * (kSize / kCluster) + lane * kEach;
  uint64_t own = 0;
#pragma unroll
  for (int i = 0; i < kEach; ++i) own += histogram.At(first + i);
  uint64_t through = own;
#pragma unroll
  for (int step = 1; step < 32; step *= 2) {
    const uint64_t other = __shfl_up_sync(kAllLanes, through, step);
    if (lane >= step) through += other;
  }
  through += before;
  uint64_t sum = through - own;
  if (sum >= bound || through < bound) return;
  int bin = first;
  while (sum + histogram.At(bin) < bound) sum += histogram.At(bin++);
  for (int block = 0; block < kCluster; ++block) InBlock(&state, block)->picked = {bin, sum};
}

// Of a merged histogram; `bound`: 1 .. the sum of all. Called by all threads of the cluster, with the same result in all.
template <int kSize>
__device__ inline Picked Pick(const Histogram<kSize>& histogram, uint64_t bound, MergeState& state) {
  const groups::cluster_group cluster = groups::this_cluster();
  uint64_t before = 0;
  int owner = 0;
  while (owner < kCluster - 1 && before + histogram.slice_sums[owner] < bound) before += histogram.slice_sums[owner++];
  if (owner == static_cast<int>(cluster.block_rank()) && threadIdx.x < 32) PickInSlice(histogram, owner, before, bound, state);
  cluster.sync();
  return state.picked;
}

}  // namespace baleen::cuda::sampling

#endif  // BALEEN_KERNELS_CUDA_SAMPLING_HISTOGRAM_CUH_
