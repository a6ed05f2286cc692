#include "kernels/cuda/gemm/instances.h"
#include "kernels/cuda/gemm/launch.cuh"

namespace baleen::cuda::gemm {

Status LaunchBf16ToF32Tile64x16(const GemmArgs& args, int cluster, int multiprocessors, Stream stream) {
  return Launch<GemmConfig<DType::kBf16, DType::kF32, 64, 16>>(args, cluster, multiprocessors, stream);
}

}  // namespace baleen::cuda::gemm
