// Device memory and random inputs for tests and benchmarks.
#ifndef BALEEN_KERNELS_CUDA_TESTING_DEVICE_H_
#define BALEEN_KERNELS_CUDA_TESTING_DEVICE_H_

#include <cuda_runtime.h>

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "base/dtype.h"
#include "kernels/cuda/testing/check.h"

namespace baleen::cuda::testing {

// Fails the running test when CUDA reports an error, one left from earlier launches included.
void ExpectCuda(cudaError_t error, const std::string& what);

// An array in device memory. New ones are poisoned: every byte 0xff, a NaN in every format.
template <typename T>
class DeviceArray {
 public:
  explicit DeviceArray(size_t size) : size_(size) {
    ExpectCuda(cudaMalloc(reinterpret_cast<void**>(&data_), bytes()), "cudaMalloc");
    Poison();
  }
  explicit DeviceArray(const std::vector<T>& values) : DeviceArray(values.size()) {
    ExpectCuda(cudaMemcpy(data_, values.data(), size_ * sizeof(T), cudaMemcpyHostToDevice), "copy to the device");
  }
  ~DeviceArray() { cudaFree(data_); }
  DeviceArray(const DeviceArray&) = delete;
  DeviceArray& operator=(const DeviceArray&) = delete;

  T* data() const { return data_; }
  size_t size() const { return size_; }
  void Poison() { ExpectCuda(cudaMemset(data_, 0xff, bytes()), "poison"); }
  // Waits for all work.
  std::vector<T> Download() const {
    std::vector<T> values(size_);
    ExpectCuda(cudaDeviceSynchronize(), "the device");
    ExpectCuda(cudaMemcpy(values.data(), data_, size_ * sizeof(T), cudaMemcpyDeviceToHost), "copy from the device");
    return values;
  }

 private:
  size_t bytes() const { return size_ == 0 ? 16 : size_ * sizeof(T); }

  T* data_ = nullptr;
  size_t size_ = 0;
};

// Standard normal values times `scale`, rounded to the type.
std::vector<float> RandomF32(size_t size, uint32_t seed, float scale = 1);
std::vector<Bf16> RandomBf16(size_t size, uint32_t seed, float scale = 1);
std::vector<uint8_t> RandomE4m3(size_t size, uint32_t seed, float scale = 1);
// Uniform in [low, high).
std::vector<float> RandomScales(size_t size, uint32_t seed, float low, float high);

// Compares with a reference in doubles: ||out - ref|| <= relative * ||ref||, and no element off by more than 20 times that of ref's root
// mean square. A NaN or an unwritten element never passes.
void ExpectClose(const std::vector<double>& out, const std::vector<double>& reference, double relative, const std::string& what);

}  // namespace baleen::cuda::testing

#endif  // BALEEN_KERNELS_CUDA_TESTING_DEVICE_H_
