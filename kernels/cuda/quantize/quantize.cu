#include "kernels/cuda/base/launch.h"
#include "kernels/cuda/base/warp.cuh"
#include "kernels/cuda/quantize/quantize.h"

namespace baleen::cuda {
namespace {

constexpr int kWarps = 8;  // Blocks of 128 channels of one row.

__global__ void __launch_bounds__(kWarps * 32) Kernel(const __grid_constant__ QuantizeArgs args) {
  const int64_t row = blockIdx.x;
  const int64_t block = blockIdx.y * kWarps + threadIdx.x / 32;
  if (block * kScaleBlock >= args.width) return;
  const int lane = threadIdx.x % 32;
  const int lanes = static_cast<int>(min(static_cast<int64_t>(32), (args.width - block * kScaleBlock) / 4));
  float4 x = make_float4(0, 0, 0, 0);
  if (lane < lanes) x = LoadFour(args.x + row * args.ldx + block * kScaleBlock + lane * 4);
  QuantizeBlock(x, lanes, args.codes + row * args.width + block * kScaleBlock, args.scales + block * args.scale_stride + row);
}

}  // namespace

Status Quantize(const QuantizeArgs& args, Stream stream) {
  if (std::string problem = QuantizeProblem(args); !problem.empty()) return Status(std::move(problem));
  if (args.rows == 0) return Status();
  const int64_t blocks = (args.width + kScaleBlock - 1) / kScaleBlock;
  const dim3 grid(static_cast<unsigned>(args.rows), static_cast<unsigned>((blocks + kWarps - 1) / kWarps));
  Kernel<<<grid, kWarps * 32, 0, stream>>>(args);
  return LaunchStatus("Quantize");
}

}  // namespace baleen::cuda
