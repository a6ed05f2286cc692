#include <algorithm>
#include <iterator>

#include "kernels/cuda/base/launch.h"
#include "kernels/cuda/gemm/gemm.h"
#include "kernels/cuda/gemm/instances.h"

namespace baleen::cuda {
namespace {

struct Instance {
  DType input;
  DType output;
  int rows;
  int outputs;
  gemm::Launcher launch;
};

constexpr Instance kInstances[] = {
    {DType::kF8E4m3, DType::kBf16, 16, 128, gemm::LaunchFp8Tile16x128},
    {DType::kF8E4m3, DType::kBf16, 64, 16, gemm::LaunchFp8Tile64x16},
    {DType::kF8E4m3, DType::kBf16, 64, 32, gemm::LaunchFp8Tile64x32},
    {DType::kF8E4m3, DType::kBf16, 64, 64, gemm::LaunchFp8Tile64x64},
    {DType::kF8E4m3, DType::kBf16, 64, 128, gemm::LaunchFp8Tile64x128},
    {DType::kF8E4m3, DType::kBf16, 64, 192, gemm::LaunchFp8Tile64x192},
    {DType::kF8E4m3, DType::kBf16, 128, 64, gemm::LaunchFp8Tile128x64},
    {DType::kF8E4m3, DType::kBf16, 128, 128, gemm::LaunchFp8Tile128x128},
    {DType::kF8E4m3, DType::kBf16, 128, 192, gemm::LaunchFp8Tile128x192},
    {DType::kF8E4m3, DType::kBf16, 256, 128, gemm::LaunchFp8Tile256x128},
    {DType::kF8E4m3, DType::kF32, 128, 128, gemm::LaunchFp8ToF32Tile128x128},
    {DType::kBf16, DType::kBf16, 64, 32, gemm::LaunchBf16Tile64x32},
    {DType::kBf16, DType::kBf16, 64, 64, gemm::LaunchBf16Tile64x64},
    {DType::kBf16, DType::kBf16, 64, 128, gemm::LaunchBf16Tile64x128},
    {DType::kBf16, DType::kBf16, 128, 128, gemm::LaunchBf16Tile128x128},
    {DType::kBf16, DType::kBf16, 256, 128, gemm::LaunchBf16Tile256x128},
    {DType::kBf16, DType::kF32, 64, 16, gemm::LaunchBf16ToF32Tile64x16},
    {DType::kBf16, DType::kF32, 64, 128, gemm::LaunchBf16ToF32Tile64x128},
    {DType::kBf16, DType::kF32, 128, 128, gemm::LaunchBf16ToF32Tile128x128},
};

}  // namespace

Status Gemm(const GemmArgs& args, Stream stream) {
  if (std::string problem = GemmProblem(args); !problem.empty()) return Status(std::move(problem));
  if (args.rows == 0) return Status();
  const int multiprocessors = MultiprocessorCount();
  if (multiprocessors == 0) return Status("Gemm: no CUDA device");
  const GemmTile tile = GemmTileOf(args, multiprocessors);
  const Instance* const instance = std::find_if(std::begin(kInstances), std::end(kInstances), [&](const Instance& one) {
    return one.input == args.input && one.output == args.output && one.rows == tile.rows && one.outputs == tile.outputs;
  });
  if (instance == std::end(kInstances)) return Status("Gemm: the kernel was not built for its tile");
  return instance->launch(args, tile.cluster, multiprocessors, stream);
}

}  // namespace baleen::cuda
