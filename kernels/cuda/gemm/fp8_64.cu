#include "kernels/cuda/gemm/instances.h"
#include "kernels/cuda/gemm/launch.cuh"

namespace baleen::cuda::gemm {

Status LaunchFp8Rows64(const GemmArgs& args, int multiprocessors, Stream stream) {
  return Launch<GemmConfig<DType::kF8E4m3, DType::kBf16, 64>>(args, multiprocessors, stream);
}

}  // namespace baleen::cuda::gemm
