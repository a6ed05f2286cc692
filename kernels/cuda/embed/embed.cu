#include "kernels/cuda/base/launch.h"
#include "kernels/cuda/base/warp.cuh"
#include "kernels/cuda/embed/embed.h"

namespace baleen::cuda {
namespace {

constexpr int kThreads = 256;

// One thread block a row.
__global__ void __launch_bounds__(kThreads) Kernel(const __grid_constant__ EmbedArgs args) {
  const int64_t row = blockIdx.x;
  const int64_t token = args.tokens[row];
  if (token < 0 || token >= args.vocabulary) return;
  for (int64_t channel = threadIdx.x * 4; channel < args.hidden; channel += kThreads * 4) {
    *reinterpret_cast<float4*>(args.residual + row * args.hidden + channel) = LoadFour(args.table + token * args.hidden + channel);
  }
}

}  // namespace

Status Embed(const EmbedArgs& args, Stream stream) {
  if (std::string problem = EmbedProblem(args); !problem.empty()) return Status(std::move(problem));
  if (args.rows == 0) return Status();
  Kernel<<<static_cast<unsigned>(args.rows), kThreads, 0, stream>>>(args);
  return LaunchStatus("Embed");
}

}  // namespace baleen::cuda
