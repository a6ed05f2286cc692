// Timing on a GPU, random contents of device memory, and the report of kernel_bench.
#ifndef BALEEN_KERNELS_CUDA_BENCH_HARNESS_H_
#define BALEEN_KERNELS_CUDA_BENCH_HARNESS_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "kernels/cuda/base/status.h"

namespace baleen::cuda::bench {

// Ends the program with a message unless OK.
void Require(const Status& status);

// Device memory, freed with the last copy of the pointer.
using Memory = std::shared_ptr<void>;
Memory Allocate(size_t bytes);
template <typename T>
T* As(const Memory& memory) {
  return static_cast<T*>(memory.get());
}

// Random FP8 codes without NaN, BF16 and F32 values of about `scale`, and integers below `below`.
Memory RandomE4m3(size_t size);
Memory RandomBf16(size_t size, float scale);
Memory RandomF32(size_t size, float low, float high);
Memory CopyOf(const std::vector<int32_t>& values);
// 0, 1, 2, ...
std::vector<int32_t> Counting(size_t size);

// Copies with 16-byte loads, several in flight a thread; `bytes` is a multiple of 16, as are both addresses.
Status CopyVectors(void* to, const void* from, size_t bytes, Stream stream);

struct Timing {
  double median_us;
  double min_us;
  double max_us;
};

// One call of `launch`: replays of a graph of many calls, timed with events; the median of `rounds`. `launch` gets the number of the call,
// so that it can take turns among inputs that do not fit into the cache together.
Timing Time(const std::function<Status(int call, Stream stream)>& launch, int rounds = 7, double round_us = 5000);

// One line of the report. `floor_us`: no version could take less (bytes over the measured copy rate, or operations over the measured matmul
// rate).
struct Line {
  std::string name;
  Timing timing;
  double floor_us = 0;
  double baseline_us = 0;  // 0 = none.
  std::string baseline;
  double flops = 0;
  double bytes = 0;
};

// Prints lines as they come and writes them as JSON at the end.
class Report {
 public:
  explicit Report(std::string path);
  void Device(const std::string& name, double copy_rate, double bf16_rate, double fp8_rate);
  void Add(const Line& line);
  void Write() const;

 private:
  std::string path_;
  std::string device_;
  std::vector<Line> lines_;
};

}  // namespace baleen::cuda::bench

#endif  // BALEEN_KERNELS_CUDA_BENCH_HARNESS_H_
