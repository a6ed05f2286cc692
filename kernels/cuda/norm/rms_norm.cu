#include "kernels/cuda/base/launch.h"
#include "kernels/cuda/base/warp.cuh"
#include "kernels/cuda/norm/rms_norm.h"

namespace baleen::cuda {
namespace {

constexpr int kWarps = 8;
constexpr int kWeights = 4;  // Vectors of weights that a thread has under way at a time.

__device__ float AddSquares(float4 x, float sum) { return fmaf(x.w, x.w, fmaf(x.z, x.z, fmaf(x.y, x.y, fmaf(x.x, x.x, sum)))); }

// Warps' sums into one, in order; every thread gets it.
__device__ float BlockSum(float own) {
  __shared__ float sums[kWarps];
  const float sum = WarpSum(own);
  if (threadIdx.x % 32 == 0) sums[threadIdx.x / 32] = sum;
  __syncthreads();
  float total = 0;
#pragma unroll
  for (int warp = 0; warp < kWarps; ++warp) total += sums[warp];
  return total;
}

// All loads come before the first use, since a row is one trip to memory.
template <typename T, int kHeld>
__device__ void Load(const RmsNormArgs& args, int64_t row, const RowBlocks& blocks, float4 (&x)[kHeld]) {
  T* const from = static_cast<T*>(args.x) + row * args.ldx;
#pragma unroll
  for (int i = 0; i < kHeld; ++i) {
    x[i] = blocks.In(i) ? LoadFour(from + blocks.Channel(i)) : make_float4(0, 0, 0, 0);
    if (blocks.In(i)) asm volatile("prefetch.global.L2 [%0];" ::"l"(args.weight + blocks.Channel(i)));
  }
  if constexpr (sizeof(T) == 4) {
    if (args.add == nullptr) return;
    float4 add[kHeld];
#pragma unroll
    for (int i = 0; i < kHeld; ++i) {
      add[i] = blocks.In(i) ? LoadFour(args.add + row * args.width + blocks.Channel(i)) : make_float4(0, 0, 0, 0);
    }
#pragma unroll
    for (int i = 0; i < kHeld; ++i) {
      x[i] = make_float4(x[i].x + add[i].x, x[i].y + add[i].y, x[i].z + add[i].z, x[i].w + add[i].w);
      if (blocks.In(i)) *reinterpret_cast<float4*>(from + blocks.Channel(i)) = x[i];
    }
  }
}

__device__ float4 Normed(float4 weight, float4 x, float inverse) {
  return make_float4(weight.x * (x.x * inverse), weight.y * (x.y * inverse), weight.z * (x.z * inverse), weight.w * (x.w * inverse));
}

// Multiplies by the weights, which come a few at a time: registers are few, and the loads of a few are under way at once.
template <int kHeld>
__device__ void MultiplyByWeights(const RmsNormArgs& args, const RowBlocks& blocks, float inverse, float4 (&x)[kHeld]) {
#pragma unroll
  for (int first = 0; first < kHeld; first += kWeights) {
    float4 weight[kWeights];
#pragma unroll
    for (int i = 0; i < kWeights && first + i < kHeld; ++i) {
      weight[i] = blocks.In(first + i) ? LoadFour(args.weight + blocks.Channel(first + i)) : make_float4(0, 0, 0, 0);
    }
#pragma unroll
    for (int i = 0; i < kWeights && first + i < kHeld; ++i) x[first + i] = Normed(weight[i], x[first + i], inverse);
  }
}

// One thread block a row; its warps take blocks of 128 channels in turn.
template <typename T, int kHeld>
__global__ void __launch_bounds__(kWarps * 32) Kernel(const __grid_constant__ RmsNormArgs args) {
  const int64_t row = blockIdx.x;
  const RowBlocks blocks = {static_cast<int>(threadIdx.x / 32), kWarps, static_cast<int>(args.width)};
  float4 x[kHeld];
  Load<T>(args, row, blocks, x);
  float sum = 0;
#pragma unroll
  for (int i = 0; i < kHeld; ++i) sum = AddSquares(x[i], sum);
  const float inverse = 1.0f / sqrtf(BlockSum(sum) / static_cast<float>(args.width) + args.eps);
  MultiplyByWeights(args, blocks, inverse, x);
  if (args.normed != nullptr) {
#pragma unroll
    for (int i = 0; i < kHeld; ++i) {
      if (blocks.In(i)) StoreFour(args.normed + row * args.width + blocks.Channel(i), x[i]);
    }
  }
  if (args.codes != nullptr) QuantizeBlocks(x, blocks, args.codes + row * args.width, args.scales + row, args.scale_stride);
}

template <typename T>
void Launch(const RmsNormArgs& args, Stream stream) {
  const unsigned rows = static_cast<unsigned>(args.rows);
  if (args.width <= 2 * kWarps * kScaleBlock) {
    Kernel<T, 2><<<rows, kWarps * 32, 0, stream>>>(args);
  } else if (args.width <= 7 * kWarps * kScaleBlock) {
    Kernel<T, 7><<<rows, kWarps * 32, 0, stream>>>(args);
  } else {
    static_assert(kMaxNormWidth <= 16 * kWarps * kScaleBlock);
    Kernel<T, 16><<<rows, kWarps * 32, 0, stream>>>(args);
  }
}

}  // namespace

Status RmsNorm(const RmsNormArgs& args, Stream stream) {
  if (std::string problem = RmsNormProblem(args); !problem.empty()) return Status(std::move(problem));
  if (args.rows == 0) return Status();
  if (args.type == DType::kF32) {
    Launch<float>(args, stream);
  } else {
    Launch<Bf16>(args, stream);
  }
  return LaunchStatus("RmsNorm");
}

}  // namespace baleen::cuda
