// Splits of a row into its context, in ascending order.
#ifndef BALEEN_KERNELS_CUDA_MLA_MERGE_CUH_
#define BALEEN_KERNELS_CUDA_MLA_MERGE_CUH_

#include "kernels/cuda/mla/block.cuh"
#include "kernels/cuda/mla/softmax.cuh"

namespace baleen::cuda::mla {

inline constexpr int kMergeThreads = kMlaLatent / 4;

// One thread block a row and head.
__global__ void __launch_bounds__(kMergeThreads) MergeKernel(const __grid_constant__ Params params) {
  const int64_t row = blockIdx.x / params.heads;
  const int head = static_cast<int>(blockIdx.x % params.heads);
  const int splits = SplitsOf(params.positions[row]);
  if (splits == 1) return;
  float top = -INFINITY;
#pragma unroll 4
  for (int split = 0; split < splits; ++split) {
    top = fmaxf(top, params.partial_stats[PartialIndex(row, split, head, params.most_splits, params.heads)].x);
  }
  float total = 0;
  float4 sum = make_float4(0, 0, 0, 0);
#pragma unroll 4  // Their loads together.
  for (int split = 0; split < splits; ++split) {
    const int64_t index = PartialIndex(row, split, head, params.most_splits, params.heads);
    const float2 stats = params.partial_stats[index];
    const float share = Exp2(stats.x - top);
    const float4 part = reinterpret_cast<const float4*>(params.partial_sums + index * kMlaLatent)[threadIdx.x];
    total = fmaf(stats.y, share, total);
    sum.x = fmaf(part.x, share, sum.x);
    sum.y = fmaf(part.y, share, sum.y);
    sum.z = fmaf(part.z, share, sum.z);
    sum.w = fmaf(part.w, share, sum.w);
  }
  const float inverse = 1.0f / total;
  Bf16* const to = params.context + (row * params.heads + head) * kMlaLatent + threadIdx.x * 4;
  *reinterpret_cast<uint2*>(to) = make_uint2(PackBf16(sum.x * inverse, sum.y * inverse), PackBf16(sum.z * inverse, sum.w * inverse));
}

}  // namespace baleen::cuda::mla

#endif  // BALEEN_KERNELS_CUDA_MLA_MERGE_CUH_
