#include "kernels/cuda/base/launch.h"
#include "kernels/cuda/base/warp.cuh"
#include "kernels/cuda/kv_append/kv_append.h"
#include "kernels/cuda/kv_append/page_walk.h"
#include "kernels/cuda/rope/rotate.h"

namespace baleen::cuda {
namespace {

constexpr int kRowsPerBlock = 4;
constexpr int kMostFours = kMaxLatent / 128;  // A lane's vectors of four.

__device__ float ToFloat(float x) { return x; }
__device__ float ToFloat(Bf16 x) { return Bf16ToF32(x); }

// One warp a row.
template <typename T>
__global__ void __launch_bounds__(kRowsPerBlock * 32) Kernel(const __grid_constant__ KvAppendArgs args) {
  const int64_t row = blockIdx.x * static_cast<int64_t>(kRowsPerBlock) + threadIdx.x / 32;
  if (row >= args.rows) return;
  const int lane = threadIdx.x % 32;
  const int64_t position = args.positions[row];
  const int64_t page_row = PageRow(args.blocks, args.first_block[row], position, args.page_count);
  if (page_row < 0) return;
  const T* const from = static_cast<const T*>(args.kv) + row * args.ldkv;
  Bf16* const to = args.pages + page_row * (args.latent + args.rope);
  float4 held[kMostFours];
  float sum = 0;
#pragma unroll
  for (int i = 0; i < kMostFours; ++i) {
    const int channel = (i * 32 + lane) * 4;
    held[i] = channel < args.latent ? LoadFour(from + channel) : make_float4(0, 0, 0, 0);
    sum = fmaf(held[i].w, held[i].w, fmaf(held[i].z, held[i].z, fmaf(held[i].y, held[i].y, fmaf(held[i].x, held[i].x, sum))));
  }
  const float inverse = 1.0f / sqrtf(WarpSum(sum) / static_cast<float>(args.latent) + args.eps);
#pragma unroll
  for (int i = 0; i < kMostFours; ++i) {
    const int channel = (i * 32 + lane) * 4;
    if (channel >= args.latent) continue;
    const float4 weight = LoadFour(args.weight + channel);
    const float4 x = held[i];
    StoreFour(to + channel,
              make_float4(weight.x * (x.x * inverse), weight.y * (x.y * inverse), weight.z * (x.z * inverse), weight.w * (x.w * inverse)));
  }
  for (int pair = lane; pair < args.rope / 2; pair += 32) {
    const int channel = args.latent + 2 * pair;
    const Rotation by = RotationAt(position, args.frequencies[pair], args.magnitude);
    const ChannelPair out = Rotate({ToFloat(from[channel]), ToFloat(from[channel + 1])}, by);
    to[channel] = F32ToBf16(out.even);
    to[channel + 1] = F32ToBf16(out.odd);
  }
}

}  // namespace

Status KvAppend(const KvAppendArgs& args, Stream stream) {
  if (std::string problem = KvAppendProblem(args); !problem.empty()) return Status(std::move(problem));
  if (args.rows == 0) return Status();
  const unsigned blocks = static_cast<unsigned>((args.rows + kRowsPerBlock - 1) / kRowsPerBlock);
  if (args.type == DType::kF32) {
    Kernel<float><<<blocks, kRowsPerBlock * 32, 0, stream>>>(args);
  } else {
    Kernel<Bf16><<<blocks, kRowsPerBlock * 32, 0, stream>>>(args);
  }
  return LaunchStatus("KvAppend");
}

}  // namespace baleen::cuda
