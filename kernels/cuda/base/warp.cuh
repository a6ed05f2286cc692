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
__device__ inline float WarpMax(float x) {
#pragma unroll
  for (int step = 16; step > 0; step /= 2) x = fmaxf(x, __shfl_xor_sync(kAllLanes, x, step));
  return x;
}

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

// A warp quantises up to 128 neighbouring channels, four a lane; lanes at or behind `lanes` hold none. Lane 0 writes the scale.
__device__ inline void QuantizeBlock(float4 x, int lanes, uint8_t* codes, float* scale) {
  const int lane = threadIdx.x % 32;
  const float own = fmaxf(fmaxf(fabsf(x.x), fabsf(x.y)), fmaxf(fabsf(x.z), fabsf(x.w)));
  const BlockScale block = ScaleOf(WarpMax(lane < lanes ? own : 0.0f));
  if (lane < lanes) *reinterpret_cast<uint32_t*>(codes + 4 * lane) = QuantizeFour(x.x, x.y, x.z, x.w, block.inverse);
  if (lane == 0) *scale = block.scale;
}

}  // namespace baleen::cuda

#endif  // BALEEN_KERNELS_CUDA_BASE_WARP_CUH_
