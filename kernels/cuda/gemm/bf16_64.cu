#include "kernels/cuda/gemm/instances.h"
#include "kernels/cuda/gemm/launch.cuh"

namespace baleen::cuda::gemm {

Status LaunchBf16Rows64(const GemmArgs& args, int multiprocessors, Stream stream) {
  return Launch<GemmConfig<DType::kBf16, DType::kBf16, 64>>(args, multiprocessors, stream);
}

}  // namespace baleen::cuda::gemm
