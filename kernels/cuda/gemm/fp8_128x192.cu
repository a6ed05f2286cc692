#include "kernels/cuda/gemm/instances.h"
#include "kernels/cuda/gemm/launch.cuh"

namespace baleen::cuda::gemm {

Status LaunchFp8Tile128x192(const GemmArgs& args, int cluster, int multiprocessors, Stream stream) {
  return Launch<GemmConfig<DType::kF8E4m3, DType::kBf16, 128, 192>>(args, cluster, multiprocessors, stream);
}

}  // namespace baleen::cuda::gemm
