// What launchers share: CUDA's errors as a Status, the device's size, tensor maps for the copy engine.
#ifndef BALEEN_KERNELS_CUDA_BASE_LAUNCH_H_
#define BALEEN_KERNELS_CUDA_BASE_LAUNCH_H_

#include <cuda.h>
#include <cuda_runtime.h>

#include <cstdint>
#include <string_view>

#include "kernels/cuda/base/status.h"

namespace baleen::cuda {

// OK for cudaSuccess; else "what: CUDA's words".
Status FromCuda(cudaError_t error, std::string_view what);
// Of the launch just made.
Status LaunchStatus(std::string_view what);

// Streaming multiprocessors of the current device; 0 without one.
int MultiprocessorCount();

// Lets `kernel` use that much shared memory.
Status AllowSharedMemory(const void* kernel, int bytes, std::string_view what);

// A tensor in device memory and the box that one copy takes of it; innermost dimension first. Strides of dimensions 1 and 2 in bytes, each
// a multiple of 16.
struct BoxedTensor {
  CUtensorMapDataType type = CU_TENSOR_MAP_DATA_TYPE_UINT8;
  const void* data = nullptr;  // 16-byte aligned.
  int dimensions = 2;
  uint64_t sizes[3] = {};
  uint64_t stride_bytes[2] = {};
  uint32_t box[3] = {1, 1, 1};
  CUtensorMapSwizzle swizzle = CU_TENSOR_MAP_SWIZZLE_128B;
};
Status EncodeTensorMap(const BoxedTensor& tensor, std::string_view what, CUtensorMap* map);

}  // namespace baleen::cuda

#endif  // BALEEN_KERNELS_CUDA_BASE_LAUNCH_H_
