#include "kernels/cuda/base/launch.h"
#include "kernels/cuda/base/warp.cuh"
#include "kernels/cuda/quantize/quantize.h"

namespace baleen::cuda {
namespace {

constexpr int kWarps = 4;
constexpr int kEach = 4;  // Blocks of 128 channels that a warp takes of one row.

__global__ void __launch_bounds__(kWarps * 32) Kernel(const __grid_constant__ QuantizeArgs args) {
  const int64_t row = blockIdx.x;
  const int first = (static_cast<int>(blockIdx.y) * kWarps + static_cast<int>(threadIdx.x / 32)) * kEach;
  const RowBlocks blocks = {first, 1, static_cast<int>(args.width)};
  if (blocks.Lanes(0) <= 0) return;
  float4 x[kEach];
#pragma unroll
  for (int i = 0; i < kEach; ++i) x[i] = blocks.In(i) ? LoadFour(args.x + row * args.ldx + blocks.Channel(i)) : make_float4(0, 0, 0, 0);
  QuantizeBlocks(x, blocks, args.codes + row * args.width, args.scales + row, args.scale_stride);
}

}  // namespace

Status Quantize(const QuantizeArgs& args, Stream stream) {
  if (std::string problem = QuantizeProblem(args); !problem.empty()) return Status(std::move(problem));
  if (args.rows == 0) return Status();
  const int64_t blocks = (args.width + kScaleBlock - 1) / kScaleBlock;
  const dim3 grid(static_cast<unsigned>(args.rows), static_cast<unsigned>((blocks + kWarps * kEach - 1) / (kWarps * kEach)));
  Kernel<<<grid, kWarps * 32, 0, stream>>>(args);
  return LaunchStatus("Quantize");
}

}  // namespace baleen::cuda
