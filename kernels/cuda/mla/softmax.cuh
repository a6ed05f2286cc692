// The online softmax over one block of scores, in registers laid out as wgmma leaves them.
#ifndef BALEEN_KERNELS_CUDA_MLA_SOFTMAX_CUH_
#define BALEEN_KERNELS_CUDA_MLA_SOFTMAX_CUH_

#include <cuda_bf16.h>

#include <cstdint>

#include "kernels/cuda/mla/splits.h"

namespace baleen::cuda::mla {

__device__ inline float Exp2(float x) {
  float y;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
  return y;
}

// Of the four neighbouring threads that share rows.
__device__ inline float MaxOfFour(float x) {
  x = fmaxf(x, __shfl_xor_sync(0xffffffffu, x, 1));
  return fmaxf(x, __shfl_xor_sync(0xffffffffu, x, 2));
}
__device__ inline float SumOfFour(float x) {
  x += __shfl_xor_sync(0xffffffffu, x, 1);
  return x + __shfl_xor_sync(0xffffffffu, x, 2);
}

// A thread's two rows (heads): its own, and the one 8 below.
struct RowPair {
  float own;
  float below;
};

__device__ inline uint32_t PackBf16(float low, float high) {
  const __nv_bfloat162 pair = __floats2bfloat162_rn(low, high);
  return *reinterpret_cast<const uint32_t*>(&pair);
}
__device__ inline float SumOfPacked(uint32_t pair) { return __uint_as_float(pair << 16) + __uint_as_float(pair & 0xffff0000u); }

// Keys from `visible` on weigh nothing.
__device__ inline void MaskScores(float (&scores)[32], int visible) {
  const int first = threadIdx.x % 4 * 2;
#pragma unroll
  for (int i = 0; i < 32; ++i) {
    if (i / 4 * 8 + first + i % 2 >= visible) scores[i] = -INFINITY;
  }
}

// The greatest score of each of the thread's rows.
__device__ inline RowPair TopOf(const float (&scores)[32]) {
  RowPair top = {scores[0], scores[2]};
#pragma unroll
  for (int i = 0; i < 32; i += 4) {
    top.own = fmaxf(top.own, fmaxf(scores[i], scores[i + 1]));
    top.below = fmaxf(top.below, fmaxf(scores[i + 2], scores[i + 3]));
  }
  return {MaxOfFour(top.own), MaxOfFour(top.below)};
}

// The maximum in units of the exponent's base 2 that weights are relative to, given that of the blocks before. It follows the scores only
// when weights would pass 2^8: FP32 sums and BF16 weights lose nothing by that, and sums need hardly ever be multiplied.
__device__ inline float NextMaximum(float before, float top) { return top > before + 8.0f ? top : before; }

// Scores [64 heads, 64 keys] into weights, BF16 and packed as wgmma takes A from registers: packed[j] for keys 16 j .. 16 j + 15. Returns
// this thread's share of their sums, which counts the rounded weights, so that they add up to 1.
__device__ inline RowPair WeighScores(const float (&scores)[32], float scale, RowPair maximum, uint32_t (&packed)[4][4]) {
  RowPair sum = {0, 0};
#pragma unroll
  for (int i = 0; i < 8; ++i) {
    const float* const four = scores + 4 * i;
    const uint32_t own = PackBf16(Exp2(fmaf(four[0], scale, -maximum.own)), Exp2(fmaf(four[1], scale, -maximum.own)));
    const uint32_t below = PackBf16(Exp2(fmaf(four[2], scale, -maximum.below)), Exp2(fmaf(four[3], scale, -maximum.below)));
    packed[i / 2][i % 2 * 2] = own;
    packed[i / 2][i % 2 * 2 + 1] = below;
    sum.own += SumOfPacked(own);
    sum.below += SumOfPacked(below);
  }
  return sum;
}

}  // namespace baleen::cuda::mla

#endif  // BALEEN_KERNELS_CUDA_MLA_SOFTMAX_CUH_
