// The instances of the GEMM kernel, one a source file.
#ifndef BALEEN_KERNELS_CUDA_GEMM_INSTANCES_H_
#define BALEEN_KERNELS_CUDA_GEMM_INSTANCES_H_

#include "kernels/cuda/gemm/gemm.h"

namespace baleen::cuda::gemm {

// Arguments are good and have rows.
using Launcher = Status (*)(const GemmArgs& args, int multiprocessors, Stream stream);

Status LaunchFp8Rows64(const GemmArgs& args, int multiprocessors, Stream stream);
Status LaunchFp8Rows128(const GemmArgs& args, int multiprocessors, Stream stream);
Status LaunchFp8Rows256(const GemmArgs& args, int multiprocessors, Stream stream);
Status LaunchFp8ToF32Rows128(const GemmArgs& args, int multiprocessors, Stream stream);
Status LaunchBf16Rows64(const GemmArgs& args, int multiprocessors, Stream stream);
Status LaunchBf16Rows128(const GemmArgs& args, int multiprocessors, Stream stream);
Status LaunchBf16Rows256(const GemmArgs& args, int multiprocessors, Stream stream);
Status LaunchBf16ToF32Rows64(const GemmArgs& args, int multiprocessors, Stream stream);
Status LaunchBf16ToF32Rows128(const GemmArgs& args, int multiprocessors, Stream stream);

}  // namespace baleen::cuda::gemm

#endif  // BALEEN_KERNELS_CUDA_GEMM_INSTANCES_H_
