#include "kernels/cuda/gemm/instances.h"
#include "kernels/cuda/gemm/launch.cuh"

namespace baleen::cuda::gemm {

Status LaunchBf16Rows128(const GemmArgs& args, int multiprocessors, Stream stream) {
  return Launch<GemmConfig<DType::kBf16, DType::kBf16, 128>>(args, multiprocessors, stream);
}

}  // namespace baleen::cuda::gemm
