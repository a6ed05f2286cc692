// Attention for any shape: one thread block a row and head, plain FP32 arithmetic.
#ifndef BALEEN_KERNELS_CUDA_MLA_GENERAL_CUH_
#define BALEEN_KERNELS_CUDA_MLA_GENERAL_CUH_

#include <cstdint>

#include "kernels/cuda/base/warp.cuh"
#include "kernels/cuda/mla/mla.h"
#include "kernels/cuda/mla/softmax.cuh"
#include "kernels/cuda/mla/splits.h"

namespace baleen::cuda::mla {

inline constexpr int kGeneralThreads = 256;
inline constexpr int kGeneralWarps = kGeneralThreads / 32;
inline constexpr int kChannelsEach = kMostMlaLatent / kGeneralThreads;

// A block of keys' scores in units of the exponent's base 2, a warp a key.
__device__ inline void ScoreKeys(const MlaArgs& args, const float* query, const Bf16* keys, int visible, float* scores) {
  const int width = args.latent + args.rope;
  for (int key = threadIdx.x / 32; key < visible; key += kGeneralWarps) {
    float dot = 0;
    for (int channel = threadIdx.x % 32; channel < width; channel += 32) {
      dot = fmaf(query[channel], Bf16ToF32(keys[key * width + channel]), dot);
    }
    dot = WarpSum(dot);
    if (threadIdx.x % 32 == 0) scores[key] = dot * args.scale * 1.44269504f;
  }
}

// Walks keys in blocks of 64 by absolute position, ascending; the order of every sum depends on the row's position alone.
__global__ void __launch_bounds__(kGeneralThreads) GeneralKernel(const __grid_constant__ MlaArgs args) {
  __shared__ float query[kMostMlaLatent + kMostMlaRope];
  __shared__ float scores[kKeyBlock];
  const int64_t row = blockIdx.x / args.heads;
  const int width = args.latent + args.rope;
  for (int i = threadIdx.x; i < width; i += kGeneralThreads) query[i] = Bf16ToF32(args.query[int64_t{blockIdx.x} * width + i]);
  const int64_t position = args.positions[row];
  float sums[kChannelsEach] = {};
  float maximum = -INFINITY;
  float weight_sum = 0;
  for (int64_t block = 0; block <= position / kKeyBlock; ++block) {
    const int64_t page = args.blocks[args.first_block[row] + block];
    const Bf16* const keys = args.pages + page * kKeyBlock * width;
    const int visible = VisibleKeys(position, block);
    __syncthreads();
    ScoreKeys(args, query, keys, visible, scores);
    __syncthreads();
    float top = maximum;
    for (int key = 0; key < visible; ++key) top = fmaxf(top, scores[key]);
    const float rescale = Exp2(maximum - top);
    maximum = top;
    weight_sum *= rescale;
#pragma unroll
    for (int i = 0; i < kChannelsEach; ++i) sums[i] *= rescale;
    for (int key = 0; key < visible; ++key) {
      const float weight = Exp2(scores[key] - top);
      weight_sum += weight;
#pragma unroll
      for (int i = 0; i < kChannelsEach; ++i) {
        const int channel = threadIdx.x + i * kGeneralThreads;
        if (channel < args.latent) sums[i] = fmaf(weight, Bf16ToF32(keys[key * width + channel]), sums[i]);
      }
    }
  }
#pragma unroll
  for (int i = 0; i < kChannelsEach; ++i) {
    const int channel = threadIdx.x + i * kGeneralThreads;
    if (channel < args.latent) args.context[int64_t{blockIdx.x} * args.latent + channel] = F32ToBf16(sums[i] / weight_sum);
  }
}

}  // namespace baleen::cuda::mla

#endif  // BALEEN_KERNELS_CUDA_MLA_GENERAL_CUH_
