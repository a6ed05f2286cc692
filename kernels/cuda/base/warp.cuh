// Reductions within a warp in one fixed order, and vectors of four values in F32 or BF16.
#ifndef BALEEN_KERNELS_CUDA_BASE_WARP_CUH_
#define BALEEN_KERNELS_CUDA_BASE_WARP_CUH_

#include <cstdint>

#include "base/dtype.h"
#include "kernels/cuda/base/quantize_row.h"

namespace baleen::cuda {

inline constexpr unsigned kAllLanes = 0xffffffffu;

__device__ inline float WarpSum(float x) {
#pragma unroll
  for (int step = 16; step > 0; step /= 2) x += __shfl_xor_sync(kAllLanes, x, step);
  return x;
}
// Of values that are not negative, whose bits are in their order; a NaN counts as 0.
__device__ inline float WarpMax(float x) { return __uint_as_float(__reduce_max_sync(kAllLanes, __float_as_uint(fmaxf(x, 0.0f)))); }

__device__ inline float4 LoadFour(const float* from) { return *reinterpret_cast<const float4*>(from); }
__device__ inline float4 LoadFour(const Bf16* from) {
  const uint2 bits = *reinterpret_cast<const uint2*>(from);
  return make_float4(__uint_as_float(bits.x << 16), __uint_as_float(bits.x & 0xffff0000u), __uint_as_float(bits.y << 16),
                     __uint_as_float(bits.y & 0xffff0000u));
}
__device__ inline void StoreFour(Bf16* to, float4 x) {
  *reinterpret_cast<uint2*>(to) = make_uint2(static_cast<uint32_t>(F32ToBf16(x.x)) | static_cast<uint32_t>(F32ToBf16(x.y)) << 16,
                                             static_cast<uint32_t>(F32ToBf16(x.z)) | static_cast<uint32_t>(F32ToBf16(x.w)) << 16);
}

// The blocks of 128 channels of a row that a warp holds, four channels a lane: kBlocks of them, `step` apart.
struct RowBlocks {
  int first;
  int step;
  int width;  // Channels of the row.

  __device__ int Block(int i) const { return first + i * step; }
  __device__ int Lanes(int i) const { return min(32, (width - Block(i) * kScaleBlock) / 4); }  // That hold channels; <= 0 behind the end.
  __device__ bool In(int i) const { return static_cast<int>(threadIdx.x % 32) < Lanes(i); }
  __device__ int Channel(int i) const { return Block(i) * kScaleBlock + static_cast<int>(threadIdx.x % 32) * 4; }
};

__device__ inline float GreatestOf(float4 x) { return fmaxf(fmaxf(fabsf(x.x), fabsf(x.y)), fmaxf(fabsf(x.z), fabsf(x.w))); }

// Quantises them. `codes` is the row's; its scale of block b is at scales[b * scale_stride]. Lane i works out the i-th block's scale, since
// a division takes as long for one lane as for all.
template <int kBlocks>
__device__ inline void QuantizeBlocks(const float4 (&x)[kBlocks], const RowBlocks& blocks, uint8_t* codes, float* scales,
                                      int64_t scale_stride) {
  const int lane = static_cast<int>(threadIdx.x % 32);
  float greatest = 0;
#pragma unroll
  for (int i = 0; i < kBlocks; ++i) {
    const float of_block = WarpMax(blocks.In(i) ? GreatestOf(x[i]) : 0.0f);
    greatest = lane == i ? of_block : greatest;
  }
  const BlockScale own = ScaleOf(greatest);
  if (lane < kBlocks && blocks.Lanes(lane) > 0) scales[blocks.Block(lane) * scale_stride] = own.scale;
#pragma unroll
  for (int i = 0; i < kBlocks; ++i) {
    const float inverse = __shfl_sync(kAllLanes, own.inverse, i);
    if (!blocks.In(i)) continue;
    *reinterpret_cast<uint32_t*>(codes + blocks.Channel(i)) = QuantizeFour(x[i].x, x[i].y, x[i].z, x[i].w, inverse);
  }
}

}  // namespace baleen::cuda

#endif  // BALEEN_KERNELS_CUDA_BASE_WARP_CUH_
