#include <cudaTypedefs.h>

#include <string>

#include "kernels/cuda/base/launch.h"

namespace baleen::cuda {
namespace {

// The driver's function, found at run time: nothing links to libcuda, which only machines with a GPU have.
PFN_cuTensorMapEncodeTiled_v12000 EncodeFunction() {
  static const PFN_cuTensorMapEncodeTiled_v12000 function = [] {
    void* found = nullptr;
    cudaDriverEntryPointQueryResult result = cudaDriverEntryPointSymbolNotFound;
    const cudaError_t error = cudaGetDriverEntryPointByVersion("cuTensorMapEncodeTiled", &found, 12000, cudaEnableDefault, &result);
    if (error != cudaSuccess || result != cudaDriverEntryPointSuccess) found = nullptr;
    return reinterpret_cast<PFN_cuTensorMapEncodeTiled_v12000>(found);
  }();
  return function;
}

}  // namespace

Status FromCuda(cudaError_t error, std::string_view what) {
  if (error == cudaSuccess) return Status();
  // The thread's last error would be the next launch's. What broke the device comes again by itself.
  (void)cudaGetLastError();
  return Status(std::string(what).append(": ").append(cudaGetErrorString(error)));
}

Status LaunchStatus(std::string_view what) { return FromCuda(cudaGetLastError(), what); }

int MultiprocessorCount() {
  int device = 0;
  int count = 0;
  if (cudaGetDevice(&device) != cudaSuccess) return 0;
  if (cudaDeviceGetAttribute(&count, cudaDevAttrMultiProcessorCount, device) != cudaSuccess) return 0;
  return count;
}

Status AllowSharedMemory(const void* kernel, int bytes, std::string_view what) {
  return FromCuda(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, bytes), what);
}

Status EncodeTensorMap(const BoxedTensor& tensor, std::string_view what, CUtensorMap* map) {
  const PFN_cuTensorMapEncodeTiled_v12000 encode = EncodeFunction();
  if (encode == nullptr) return Status(std::string(what).append(": the driver has no cuTensorMapEncodeTiled"));
  const cuuint32_t element_strides[3] = {1, 1, 1};
  const CUresult result = encode(map, tensor.type, static_cast<cuuint32_t>(tensor.dimensions), const_cast<void*>(tensor.data), tensor.sizes,
                                 tensor.stride_bytes, tensor.box, element_strides, CU_TENSOR_MAP_INTERLEAVE_NONE, tensor.swizzle,
                                 CU_TENSOR_MAP_L2_PROMOTION_L2_256B, CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE);
  if (result == CUDA_SUCCESS) return Status();
  return Status(std::string(what).append(": the driver refuses the tensor map, error ").append(std::to_string(result)));
}

}  // namespace baleen::cuda
