#include "kernels/cuda/base/launch.h"
#include "kernels/cuda/gemm/gemm.h"
#include "kernels/cuda/gemm/instances.h"

namespace baleen::cuda {
namespace {

gemm::Launcher Choose(const GemmArgs& args, int tile_rows) {
  const bool fp8 = args.input == DType::kF8E4m3;
  if (args.output == DType::kF32) {
    if (fp8) return gemm::LaunchFp8ToF32Rows128;
    return tile_rows == 64 ? gemm::LaunchBf16ToF32Rows64 : gemm::LaunchBf16ToF32Rows128;
  }
  switch (tile_rows) {
    case 64:
      return fp8 ? gemm::LaunchFp8Rows64 : gemm::LaunchBf16Rows64;
    case 128:
      return fp8 ? gemm::LaunchFp8Rows128 : gemm::LaunchBf16Rows128;
    default:
      return fp8 ? gemm::LaunchFp8Rows256 : gemm::LaunchBf16Rows256;
  }
}

}  // namespace

Status Gemm(const GemmArgs& args, Stream stream) {
  if (std::string problem = GemmProblem(args); !problem.empty()) return Status(std::move(problem));
  if (args.rows == 0) return Status();
  const int multiprocessors = MultiprocessorCount();
  if (multiprocessors == 0) return Status("Gemm: no CUDA device");
  return Choose(args, GemmTileRows(args, multiprocessors))(args, multiprocessors, stream);
}

}  // namespace baleen::cuda
