#include "kernels/cuda/base/launch.h"
#include "kernels/cuda/base/warp.cuh"
#include "kernels/cuda/norm/rms_norm.h"

namespace baleen::cuda {
namespace {

constexpr int kWarps = 8;
constexpr int kBlocksInRegisters = 8;  // A warp's blocks of 128 channels: widths up to 8192 are read once.

template <typename T>
__device__ float4 LoadAndAdd(const RmsNormArgs& args, int64_t row, int64_t channel) {
  T* const from = static_cast<T*>(args.x) + row * args.ldx + channel;
  float4 x = LoadFour(from);
  if constexpr (sizeof(T) == 4) {
    if (args.add != nullptr) {
      const float4 add = LoadFour(args.add + row * args.width + channel);
      x = make_float4(x.x + add.x, x.y + add.y, x.z + add.z, x.w + add.w);
      *reinterpret_cast<float4*>(from) = x;
    }
  }
  return x;
}

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

__device__ void Put(const RmsNormArgs& args, int64_t row, int64_t channel, int lanes, float4 x, float inverse) {
  const int lane = threadIdx.x % 32;
  float4 y = make_float4(0, 0, 0, 0);
  if (lane < lanes) {
    const float4 weight = LoadFour(args.weight + channel);
    y = make_float4(weight.x * (x.x * inverse), weight.y * (x.y * inverse), weight.z * (x.z * inverse), weight.w * (x.w * inverse));
    if (args.normed != nullptr) StoreFour(args.normed + row * args.width + channel, y);
  }
  if (args.codes != nullptr) {
    const int64_t block = channel / kScaleBlock;
    QuantizeBlock(y, lanes, args.codes + row * args.width + block * kScaleBlock, args.scales + block * args.scale_stride + row);
  }
}

// One thread block a row; its warps take blocks of 128 channels in turn, four channels a lane.
template <typename T>
__global__ void __launch_bounds__(kWarps * 32) Kernel(const __grid_constant__ RmsNormArgs args) {
  const int64_t row = blockIdx.x;
  const int warp = threadIdx.x / 32;
  const int lane = threadIdx.x % 32;
  const int blocks = static_cast<int>((args.width + kScaleBlock - 1) / kScaleBlock);
  const auto lanes_of = [&](int block) { return static_cast<int>(min(static_cast<int64_t>(32), (args.width - block * kScaleBlock) / 4)); };
  float4 held[kBlocksInRegisters];
  float sum = 0;
#pragma unroll
  for (int i = 0; i < kBlocksInRegisters; ++i) {
    const int block = warp + i * kWarps;
    held[i] = make_float4(0, 0, 0, 0);
    if (block < blocks && lane < lanes_of(block)) held[i] = LoadAndAdd<T>(args, row, block * kScaleBlock + lane * 4);
    sum = AddSquares(held[i], sum);
  }
  for (int block = warp + kBlocksInRegisters * kWarps; block < blocks; block += kWarps) {
    if (lane < lanes_of(block)) sum = AddSquares(LoadAndAdd<T>(args, row, block * kScaleBlock + lane * 4), sum);
  }
  const float inverse = 1.0f / sqrtf(BlockSum(sum) / static_cast<float>(args.width) + args.eps);
#pragma unroll
  for (int i = 0; i < kBlocksInRegisters; ++i) {
    const int block = warp + i * kWarps;
    if (block < blocks) Put(args, row, block * kScaleBlock + lane * 4, lanes_of(block), held[i], inverse);
  }
  for (int block = warp + kBlocksInRegisters * kWarps; block < blocks; block += kWarps) {
    const int64_t channel = block * kScaleBlock + lane * 4;
    // What was added is in x by now.
    const bool in = lane < lanes_of(block);
    const float4 x = in ? LoadFour(static_cast<const T*>(args.x) + row * args.ldx + channel) : make_float4(0, 0, 0, 0);
    Put(args, row, channel, lanes_of(block), x, inverse);
  }
}

}  // namespace

Status RmsNorm(const RmsNormArgs& args, Stream stream) {
  if (std::string problem = RmsNormProblem(args); !problem.empty()) return Status(std::move(problem));
  if (args.rows == 0) return Status();
  const unsigned rows = static_cast<unsigned>(args.rows);
  if (args.type == DType::kF32) {
    Kernel<float><<<rows, kWarps * 32, 0, stream>>>(args);
  } else {
    Kernel<Bf16><<<rows, kWarps * 32, 0, stream>>>(args);
  }
  return LaunchStatus("RmsNorm");
}

}  // namespace baleen::cuda
