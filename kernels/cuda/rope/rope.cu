#include "kernels/cuda/base/launch.h"
#include "kernels/cuda/rope/rope.h"
#include "kernels/cuda/rope/rotate.h"

namespace baleen::cuda {
namespace {

constexpr int kThreads = 256;

// One thread block a row: its angles once, then all heads.
__global__ void __launch_bounds__(kThreads) Kernel(const __grid_constant__ RopeArgs args) {
  __shared__ Rotation rotations[kMaxRopeWidth / 2];
  const int64_t row = blockIdx.x;
  const int pairs = args.width / 2;
  for (int pair = threadIdx.x; pair < pairs; pair += kThreads) {
    rotations[pair] = RotationAt(args.positions[row], args.frequencies[pair], args.magnitude);
  }
  __syncthreads();
  for (int i = threadIdx.x; i < args.heads * pairs; i += kThreads) {
    const int64_t head = i / pairs;
    const int pair = i % pairs;
    const uint32_t in = *reinterpret_cast<const uint32_t*>(args.x + row * args.x_row_stride + head * args.x_head_stride + 2 * pair);
    const ChannelPair out = Rotate({__uint_as_float(in << 16), __uint_as_float(in & 0xffff0000u)}, rotations[pair]);
    *reinterpret_cast<uint32_t*>(args.y + row * args.y_row_stride + head * args.y_head_stride + 2 * pair) =
        static_cast<uint32_t>(F32ToBf16(out.even)) | static_cast<uint32_t>(F32ToBf16(out.odd)) << 16;
  }
}

}  // namespace

Status Rope(const RopeArgs& args, Stream stream) {
  if (std::string problem = RopeProblem(args); !problem.empty()) return Status(std::move(problem));
  if (args.rows == 0) return Status();
  Kernel<<<static_cast<unsigned>(args.rows), kThreads, 0, stream>>>(args);
  return LaunchStatus("Rope");
}

}  // namespace baleen::cuda
