#include "kernels/cuda/gemm/instances.h"
#include "kernels/cuda/gemm/launch.cuh"

namespace baleen::cuda::gemm {

Status LaunchBf16Tile64x128(const GemmArgs& args, int cluster, int multiprocessors, Stream stream) {
  return Launch<GemmConfig<DType::kBf16, DType::kBf16, 64, 128>>(args, cluster, multiprocessors, stream);
}

}  // namespace baleen::cuda::gemm
