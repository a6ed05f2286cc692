// Where an attention block's results go.
#ifndef BALEEN_KERNELS_CUDA_MLA_STORE_CUH_
#define BALEEN_KERNELS_CUDA_MLA_STORE_CUH_

#include <cstdint>

#include "kernels/cuda/base/fragment.h"
#include "kernels/cuda/mla/block.cuh"
#include "kernels/cuda/mla/softmax.cuh"

namespace baleen::cuda::mla {

// The head of a thread's own row within the tile.
__device__ inline int OwnHead() { return FragmentRow(threadIdx.x % kRoleThreads, 0); }

__device__ inline void MultiplyRows(float (&sums)[128], RowPair by) {
#pragma unroll
  for (int i = 0; i < 128; i += 4) {
    sums[i] *= by.own;
    sums[i + 1] *= by.own;
    sums[i + 2] *= by.below;
    sums[i + 3] *= by.below;
  }
}

// One half [64 heads, 256 channels] of the sums, to the context or, unnormalised, to the workspace.
__device__ inline void StoreHalf(const Params& params, const Task& task, int half, float (&sums)[128], RowPair weight) {
  const bool whole = SplitsOf(task.position) == 1;
  if (whole) MultiplyRows(sums, {1.0f / weight.own, 1.0f / weight.below});
  const int first = task.head_tile * kHeadTile + OwnHead();
#pragma unroll
  for (int lower = 0; lower < 2; ++lower) {
    const int head = first + 8 * lower;
    if (head >= params.heads) continue;
    const int64_t channel = half * 256 + threadIdx.x % 4 * 2;
    if (whole) {
      Bf16* const to = params.context + (int64_t{task.row} * params.heads + head) * kMlaLatent + channel;
#pragma unroll
      for (int i = 0; i < 32; ++i)
        *reinterpret_cast<uint32_t*>(to + 8 * i) = PackBf16(sums[4 * i + 2 * lower], sums[4 * i + 2 * lower + 1]);
    } else {
      const int64_t index = PartialIndex(task.row, task.split, head, params.most_splits, params.heads);
      float* const to = params.partial_sums + index * kMlaLatent + channel;
#pragma unroll
      for (int i = 0; i < 32; ++i)
        *reinterpret_cast<float2*>(to + 8 * i) = make_float2(sums[4 * i + 2 * lower], sums[4 * i + 2 * lower + 1]);
    }
  }
}

__device__ inline void StoreStats(const Params& params, const Task& task, RowPair maximum, RowPair weight) {
  if (SplitsOf(task.position) == 1 || threadIdx.x % 4 != 0) return;
  const int head = task.head_tile * kHeadTile + OwnHead();
  const int64_t index = PartialIndex(task.row, task.split, head, params.most_splits, params.heads);
  if (head < params.heads) params.partial_stats[index] = make_float2(maximum.own, weight.own);
  if (head + 8 < params.heads) params.partial_stats[index + 8] = make_float2(maximum.below, weight.below);
}

}  // namespace baleen::cuda::mla

#endif  // BALEEN_KERNELS_CUDA_MLA_STORE_CUH_
