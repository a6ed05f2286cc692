// The instances of the GEMM kernel, one a source file.
#ifndef BALEEN_KERNELS_CUDA_GEMM_INSTANCES_H_
#define BALEEN_KERNELS_CUDA_GEMM_INSTANCES_H_

#include "kernels/cuda/gemm/gemm.h"

namespace baleen::cuda::gemm {

// Arguments are good and have rows; the tile's cluster suits the outputs.
using Launcher = Status (*)(const GemmArgs& args, int cluster, int multiprocessors, Stream stream);

Status LaunchFp8Tile16x128(const GemmArgs& args, int cluster, int multiprocessors, Stream stream);
Status LaunchFp8Tile64x16(const GemmArgs& args, int cluster, int multiprocessors, Stream stream);
Status LaunchFp8Tile64x32(const GemmArgs& args, int cluster, int multiprocessors, Stream stream);
Status LaunchFp8Tile64x64(const GemmArgs& args, int cluster, int multiprocessors, Stream stream);
Status LaunchFp8Tile64x128(const GemmArgs& args, int cluster, int multiprocessors, Stream stream);
Status LaunchFp8Tile64x192(const GemmArgs& args, int cluster, int multiprocessors, Stream stream);
Status LaunchFp8Tile128x64(const GemmArgs& args, int cluster, int multiprocessors, Stream stream);
Status LaunchFp8Tile128x128(const GemmArgs& args, int cluster, int multiprocessors, Stream stream);
Status LaunchFp8Tile128x192(const GemmArgs& args, int cluster, int multiprocessors, Stream stream);
Status LaunchFp8Tile256x128(const GemmArgs& args, int cluster, int multiprocessors, Stream stream);
Status LaunchFp8ToF32Tile128x128(const GemmArgs& args, int cluster, int multiprocessors, Stream stream);
Status LaunchBf16Tile64x32(const GemmArgs& args, int cluster, int multiprocessors, Stream stream);
Status LaunchBf16Tile64x64(const GemmArgs& args, int cluster, int multiprocessors, Stream stream);
Status LaunchBf16Tile64x128(const GemmArgs& args, int cluster, int multiprocessors, Stream stream);
Status LaunchBf16Tile128x128(const GemmArgs& args, int cluster, int multiprocessors, Stream stream);
Status LaunchBf16Tile256x128(const GemmArgs& args, int cluster, int multiprocessors, Stream stream);
Status LaunchBf16ToF32Tile64x16(const GemmArgs& args, int cluster, int multiprocessors, Stream stream);
Status LaunchBf16ToF32Tile64x128(const GemmArgs& args, int cluster, int multiprocessors, Stream stream);
Status LaunchBf16ToF32Tile128x128(const GemmArgs& args, int cluster, int multiprocessors, Stream stream);

}  // namespace baleen::cuda::gemm

#endif  // BALEEN_KERNELS_CUDA_GEMM_INSTANCES_H_
