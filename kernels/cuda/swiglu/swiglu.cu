#include "kernels/cuda/base/launch.h"
#include "kernels/cuda/base/sigmoid.h"
#include "kernels/cuda/base/warp.cuh"
#include "kernels/cuda/swiglu/swiglu.h"

namespace baleen::cuda {
namespace {

constexpr int kWarps = 4;
constexpr int kEach = 4;  // Blocks of 128 channels that a warp takes of one row.

__device__ float SiluTimes(float gate, float up) { return gate * SigmoidF32(gate) * up; }

__global__ void __launch_bounds__(kWarps * 32) Kernel(const __grid_constant__ SwiGluArgs args) {
  const int64_t row = blockIdx.x;
  const int first = (static_cast<int>(blockIdx.y) * kWarps + static_cast<int>(threadIdx.x / 32)) * kEach;
  const RowBlocks blocks = {first, 1, static_cast<int>(args.inner)};
  if (blocks.Lanes(0) <= 0 || !HasGroup(args.grouping, args.group_rows, args.groups, args.rows, row)) return;
  const Bf16* const from = args.gate_up + row * 2 * args.inner;
  float4 gate[kEach];
  float4 y[kEach];
#pragma unroll
  for (int i = 0; i < kEach; ++i) {
    gate[i] = blocks.In(i) ? LoadFour(from + blocks.Channel(i)) : make_float4(0, 0, 0, 0);
    y[i] = blocks.In(i) ? LoadFour(from + args.inner + blocks.Channel(i)) : make_float4(0, 0, 0, 0);
  }
#pragma unroll
  for (int i = 0; i < kEach; ++i) {
    y[i] =
        make_float4(SiluTimes(gate[i].x, y[i].x), SiluTimes(gate[i].y, y[i].y), SiluTimes(gate[i].z, y[i].z), SiluTimes(gate[i].w, y[i].w));
    if (args.out != nullptr && blocks.In(i)) StoreFour(args.out + row * args.inner + blocks.Channel(i), y[i]);
  }
  if (args.codes != nullptr) QuantizeBlocks(y, blocks, args.codes + row * args.inner, args.scales + row, args.scale_stride);
}

}  // namespace

Status SwiGlu(const SwiGluArgs& args, Stream stream) {
  if (std::string problem = SwiGluProblem(args); !problem.empty()) return Status(std::move(problem));
  if (args.rows == 0) return Status();
  const int64_t blocks = (args.inner + kScaleBlock - 1) / kScaleBlock;
  const dim3 grid(static_cast<unsigned>(args.rows), static_cast<unsigned>((blocks + kWarps * kEach - 1) / (kWarps * kEach)));
  Kernel<<<grid, kWarps * 32, 0, stream>>>(args);
  return LaunchStatus("SwiGlu");
}

}  // namespace baleen::cuda
