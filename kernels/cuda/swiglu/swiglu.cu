#include "kernels/cuda/base/launch.h"
#include "kernels/cuda/base/sigmoid.h"
#include "kernels/cuda/base/warp.cuh"
#include "kernels/cuda/swiglu/swiglu.h"

namespace baleen::cuda {
namespace {

constexpr int kWarps = 8;  // Blocks of 128 channels of one row.

__device__ float SiluTimes(float gate, float up) { return gate * SigmoidF32(gate) * up; }

__global__ void __launch_bounds__(kWarps * 32) Kernel(const __grid_constant__ SwiGluArgs args) {
  const int64_t row = blockIdx.x;
  const int64_t block = blockIdx.y * kWarps + threadIdx.x / 32;
  if (block * kScaleBlock >= args.inner || !HasGroup(args.grouping, args.group_rows, args.groups, args.rows, row)) return;
  const int lane = threadIdx.x % 32;
  const int lanes = static_cast<int>(min(static_cast<int64_t>(32), (args.inner - block * kScaleBlock) / 4));
  const int64_t channel = block * kScaleBlock + lane * 4;
  float4 y = make_float4(0, 0, 0, 0);
  if (lane < lanes) {
    const Bf16* const from = args.gate_up + row * 2 * args.inner + channel;
    const float4 gate = LoadFour(from);
    const float4 up = LoadFour(from + args.inner);
    y = make_float4(SiluTimes(gate.x, up.x), SiluTimes(gate.y, up.y), SiluTimes(gate.z, up.z), SiluTimes(gate.w, up.w));
    if (args.out != nullptr) StoreFour(args.out + row * args.inner + channel, y);
  }
  if (args.codes != nullptr) {
    QuantizeBlock(y, lanes, args.codes + row * args.inner + block * kScaleBlock, args.scales + block * args.scale_stride + row);
  }
}

}  // namespace

Status SwiGlu(const SwiGluArgs& args, Stream stream) {
  if (std::string problem = SwiGluProblem(args); !problem.empty()) return Status(std::move(problem));
  if (args.rows == 0) return Status();
  const int64_t blocks = (args.inner + kScaleBlock - 1) / kScaleBlock;
  const dim3 grid(static_cast<unsigned>(args.rows), static_cast<unsigned>((blocks + kWarps - 1) / kWarps));
  Kernel<<<grid, kWarps * 32, 0, stream>>>(args);
  return LaunchStatus("SwiGlu");
}

}  // namespace baleen::cuda
