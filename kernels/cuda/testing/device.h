// Device memory and random inputs for tests and benchmarks.
#ifndef BALEEN_KERNELS_CUDA_TESTING_DEVICE_H_
#define BALEEN_KERNELS_CUDA_TESTING_DEVICE_H_

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "base/dtype.h"
#include "kernels/cuda/base/device.h"
#include "kernels/cuda/testing/check.h"

namespace baleen::cuda::testing {

// An array in device memory. New ones are poisoned: every byte 0xff, a NaN in every format.
template <typename T>
class DeviceArray {
 public:
  explicit DeviceArray(size_t size) : size_(size) {
    ExpectOk(DeviceMemory::Allocate(size == 0 ? 16 : size * sizeof(T), &memory_));
    Poison();
  }
  explicit DeviceArray(const std::vector<T>& values) : DeviceArray(values.size()) {
    ExpectOk(CopyNow(data(), values.data(), size_ * sizeof(T)));
  }

  T* data() const { return memory_.As<T>(); }
  size_t size() const { return size_; }
  void Poison() { ExpectOk(FillAsync(data(), 0xff, memory_.bytes(), nullptr)); }
  // Waits for all work.
  std::vector<T> Download() const {
    std::vector<T> values(size_);
    ExpectOk(SynchronizeDevice());
    ExpectOk(CopyNow(values.data(), data(), size_ * sizeof(T)));
    return values;
  }

 private:
  DeviceMemory memory_;
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
