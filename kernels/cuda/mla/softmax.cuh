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

// Maximum in units of the exponent's base 2, and this thread's share of the sum of weights.
struct SoftmaxState {
  RowPair maximum = {-INFINITY, -INFINITY};
  RowPair weight = {0, 0};
};

__device__ inline uint32_t PackBf16(float low, float high) {
  const __nv_bfloat162 pair = __floats2bfloat162_rn(low, high);
  return *reinterpret_cast<const uint32_t*>(&pair);
}
__device__ inline float SumOfPacked(uint32_t pair) { return __uint_as_float(pair << 16) + __uint_as_float(pair & 0xffff0000u); }

// Scores [64 heads, 64 keys] into weights, BF16 and packed as wgmma takes A from registers: packed[j] for keys 16 j .. 16 j + 15. The sum
// counts the rounded weights, so that they add up to 1. Returns what earlier sums are to be multiplied by. Keys from `visible` (>= 1) on
// weigh nothing.
__device__ inline RowPair WeighBlock(const float (&scores)[32], float scale, int visible, SoftmaxState* state, uint32_t (&packed)[4][4]) {
  const int first = threadIdx.x % 4 * 2;
  const auto seen = [&](int i, int offset) { return 8 * i + first + offset < visible; };
  RowPair top = {-INFINITY, -INFINITY};
#pragma unroll
  for (int i = 0; i < 8; ++i) {
#pragma unroll
    for (int offset = 0; offset < 2; ++offset) {
      if (!seen(i, offset)) continue;
      top.own = fmaxf(top.own, scores[4 * i + offset]);
      top.below = fmaxf(top.below, scores[4 * i + 2 + offset]);
    }
  }
  top.own = fmaxf(state->maximum.own, MaxOfFour(top.own) * scale);
  top.below = fmaxf(state->maximum.below, MaxOfFour(top.below) * scale);
  const RowPair rescale = {Exp2(state->maximum.own - top.own), Exp2(state->maximum.below - top.below)};
  state->maximum = top;
  RowPair sum = {0, 0};
#pragma unroll
  for (int i = 0; i < 8; ++i) {
    float weights[4];
#pragma unroll
    for (int offset = 0; offset < 2; ++offset) {
      weights[offset] = seen(i, offset) ? Exp2(fmaf(scores[4 * i + offset], scale, -top.own)) : 0.0f;
      weights[2 + offset] = seen(i, offset) ? Exp2(fmaf(scores[4 * i + 2 + offset], scale, -top.below)) : 0.0f;
    }
    packed[i / 2][i % 2 * 2] = PackBf16(weights[0], weights[1]);
    packed[i / 2][i % 2 * 2 + 1] = PackBf16(weights[2], weights[3]);
    sum.own += SumOfPacked(packed[i / 2][i % 2 * 2]);
    sum.below += SumOfPacked(packed[i / 2][i % 2 * 2 + 1]);
  }
  state->weight.own = fmaf(state->weight.own, rescale.own, sum.own);
  state->weight.below = fmaf(state->weight.below, rescale.below, sum.below);
  return rescale;
}

}  // namespace baleen::cuda::mla

#endif  // BALEEN_KERNELS_CUDA_MLA_SOFTMAX_CUH_
