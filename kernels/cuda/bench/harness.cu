#include <cuda_runtime.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>

#include "base/dtype.h"
#include "kernels/cuda/base/launch.h"
#include "kernels/cuda/bench/harness.h"

namespace baleen::cuda::bench {
namespace {

constexpr int kThreads = 256;

__device__ uint32_t Hash(uint64_t x) {
  x = (x ^ x >> 31) * 0x9e3779b97f4a7c15u;
  x = (x ^ x >> 29) * 0xbf58476d1ce4e5b9u;
  return static_cast<uint32_t>(x >> 32);
}
__device__ float Unit(uint64_t i) { return static_cast<float>(Hash(i) >> 8) * 0x1p-24f; }

// Codes of magnitude 1/16 .. 2.
__global__ void FillE4m3(uint8_t* to, size_t size) {
  for (size_t i = blockIdx.x * size_t{kThreads} + threadIdx.x; i < size; i += size_t{gridDim.x} * kThreads) {
    const uint32_t random = Hash(i);
    to[i] = static_cast<uint8_t>((random & 0x80u) | (0x18u + random % 0x28u));
  }
}
__global__ void FillBf16(Bf16* to, size_t size, float scale) {
  for (size_t i = blockIdx.x * size_t{kThreads} + threadIdx.x; i < size; i += size_t{gridDim.x} * kThreads) {
    to[i] = F32ToBf16((Unit(2 * i) + Unit(2 * i + 1) - 1) * 2 * scale);
  }
}
__global__ void FillF32(float* to, size_t size, float low, float high) {
  for (size_t i = blockIdx.x * size_t{kThreads} + threadIdx.x; i < size; i += size_t{gridDim.x} * kThreads) {
    to[i] = low + (high - low) * Unit(i);
  }
}

constexpr int kVectorsInFlight = 8;

__global__ void __launch_bounds__(kThreads) CopyKernel(uint4* to, const uint4* from, size_t vectors) {
  for (size_t block = blockIdx.x; block * kThreads * kVectorsInFlight < vectors; block += gridDim.x) {
    const size_t first = block * kThreads * kVectorsInFlight + threadIdx.x;
    uint4 values[kVectorsInFlight];
#pragma unroll
    for (int i = 0; i < kVectorsInFlight; ++i) {
      if (first + i * kThreads < vectors) values[i] = __ldcs(from + first + i * kThreads);
    }
#pragma unroll
    for (int i = 0; i < kVectorsInFlight; ++i) {
      if (first + i * kThreads < vectors) __stcs(to + first + i * kThreads, values[i]);
    }
  }
}

float ElapsedUs(cudaGraphExec_t graph, Stream stream, cudaEvent_t begin, cudaEvent_t end) {
  Require(FromCuda(cudaEventRecord(begin, stream), "event"));
  Require(FromCuda(cudaGraphLaunch(graph, stream), "graph"));
  Require(FromCuda(cudaEventRecord(end, stream), "event"));
  Require(FromCuda(cudaEventSynchronize(end), "the timed work"));
  float ms = 0;
  Require(FromCuda(cudaEventElapsedTime(&ms, begin, end), "elapsed time"));
  return ms * 1000;
}

cudaGraphExec_t Capture(const std::function<Status(int, Stream)>& launch, int calls, Stream stream) {
  cudaGraph_t graph = nullptr;
  cudaGraphExec_t exec = nullptr;
  Require(FromCuda(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal), "capture"));
  for (int call = 0; call < calls; ++call) Require(launch(call, stream));
  Require(FromCuda(cudaStreamEndCapture(stream, &graph), "end of capture"));
  Require(FromCuda(cudaGraphInstantiate(&exec, graph, 0), "graph"));
  Require(FromCuda(cudaGraphDestroy(graph), "graph"));
  return exec;
}

}  // namespace

void Require(const Status& status) {
  if (status.ok()) return;
  std::fprintf(stderr, "kernel_bench: %s\n", status.message().c_str());
  std::exit(1);
}

Memory Allocate(size_t bytes) {
  void* data = nullptr;
  Require(FromCuda(cudaMalloc(&data, std::max<size_t>(bytes, 16)), "cudaMalloc"));
  return Memory(data, [](void* pointer) { cudaFree(pointer); });
}

Memory RandomE4m3(size_t size) {
  Memory memory = Allocate(size);
  FillE4m3<<<2048, kThreads>>>(As<uint8_t>(memory), size);
  Require(LaunchStatus("fill"));
  return memory;
}

Memory RandomBf16(size_t size, float scale) {
  Memory memory = Allocate(size * sizeof(Bf16));
  FillBf16<<<2048, kThreads>>>(As<Bf16>(memory), size, scale);
  Require(LaunchStatus("fill"));
  return memory;
}

Memory RandomF32(size_t size, float low, float high) {
  Memory memory = Allocate(size * sizeof(float));
  FillF32<<<2048, kThreads>>>(As<float>(memory), size, low, high);
  Require(LaunchStatus("fill"));
  return memory;
}

Memory CopyOf(const std::vector<int32_t>& values) {
  Memory memory = Allocate(values.size() * sizeof(int32_t));
  Require(FromCuda(cudaMemcpy(memory.get(), values.data(), values.size() * sizeof(int32_t), cudaMemcpyHostToDevice), "copy"));
  return memory;
}

std::vector<int32_t> Counting(size_t size) {
  std::vector<int32_t> values(size);
  for (size_t i = 0; i < size; ++i) values[i] = static_cast<int32_t>(i);
  return values;
}

Status CopyVectors(void* to, const void* from, size_t bytes, Stream stream) {
  const size_t vectors = bytes / sizeof(uint4);
  const size_t blocks = (vectors + kThreads * kVectorsInFlight - 1) / (kThreads * kVectorsInFlight);
  if (blocks == 0) return Status();
  CopyKernel<<<static_cast<unsigned>(std::min<size_t>(blocks, 1u << 20)), kThreads, 0, stream>>>(static_cast<uint4*>(to),
                                                                                                 static_cast<const uint4*>(from), vectors);
  return LaunchStatus("copy");
}

Timing Time(const std::function<Status(int, Stream)>& launch, int rounds, double round_us) {
  cudaStream_t stream = nullptr;
  cudaEvent_t begin = nullptr;
  cudaEvent_t end = nullptr;
  Require(FromCuda(cudaDeviceSynchronize(), "the work before"));
  Require(FromCuda(cudaStreamCreate(&stream), "stream"));
  Require(FromCuda(cudaEventCreate(&begin), "event"));
  Require(FromCuda(cudaEventCreate(&end), "event"));
  // What a launcher does once (shared memory, module load) must not be captured.
  Require(launch(0, stream));
  Require(FromCuda(cudaStreamSynchronize(stream), "warm-up"));
  cudaGraphExec_t probe = Capture(launch, 4, stream);
  ElapsedUs(probe, stream, begin, end);
  const double one = ElapsedUs(probe, stream, begin, end) / 4;
  Require(FromCuda(cudaGraphExecDestroy(probe), "graph"));
  const int calls = static_cast<int>(std::clamp(round_us / std::max(one, 1.0), 4.0, 200.0));
  cudaGraphExec_t graph = Capture(launch, calls, stream);
  ElapsedUs(graph, stream, begin, end);
  std::vector<double> times;
  for (int round = 0; round < rounds; ++round) times.push_back(ElapsedUs(graph, stream, begin, end) / calls);
  std::sort(times.begin(), times.end());
  Require(FromCuda(cudaGraphExecDestroy(graph), "graph"));
  Require(FromCuda(cudaEventDestroy(begin), "event"));
  Require(FromCuda(cudaEventDestroy(end), "event"));
  Require(FromCuda(cudaStreamDestroy(stream), "stream"));
  return {times[times.size() / 2], times.front(), times.back()};
}

Report::Report(std::string path) : path_(std::move(path)) {}

void Report::Device(const std::string& name, double copy_rate, double bf16_rate, double fp8_rate) {
  char text[512];
  std::snprintf(text, sizeof(text),
                "{\"device\": \"%s\", \"copy_bytes_per_s\": %.4g, \"bf16_flops_per_s\": %.4g, \"fp8_flops_per_s\": %.4g, \"lines\": [\n",
                name.c_str(), copy_rate, bf16_rate, fp8_rate);
  device_ = text;
  std::printf("%s: copies %.0f GB/s, BF16 %.0f TFLOP/s, FP8 %.0f TFLOP/s\n", name.c_str(), copy_rate / 1e9, bf16_rate / 1e12,
              fp8_rate / 1e12);
  std::printf("%-56s %9s %9s %7s %9s %7s %8s %7s\n", "kernel", "us", "floor us", "x floor", "baseline", "x base", "TFLOP/s", "GB/s");
}

void Report::Add(const Line& line) {
  lines_.push_back(line);
  const double us = line.timing.median_us;
  std::printf("%-56s %9.2f %9.2f %7.2f %9.2f %7.2f %8.0f %7.0f\n", line.name.c_str(), us, line.floor_us,
              line.floor_us > 0 ? us / line.floor_us : 0, line.baseline_us, line.baseline_us > 0 ? line.baseline_us / us : 0,
              line.flops / us / 1e6, line.bytes / us / 1e3);
  std::fflush(stdout);
}

void Report::Write() const {
  std::ofstream file(path_);
  file << device_;
  for (size_t i = 0; i < lines_.size(); ++i) {
    const Line& line = lines_[i];
    char text[1024];
    std::snprintf(
        text, sizeof(text),
        "{\"name\": \"%s\", \"unit\": \"us\", \"value\": %.3f, \"min\": %.3f, \"max\": %.3f, \"floor\": %.3f, \"baseline\": \"%s\", "
        "\"baseline_us\": %.3f, \"flops\": %.4g, \"bytes\": %.4g}%s\n",
        line.name.c_str(), line.timing.median_us, line.timing.min_us, line.timing.max_us, line.floor_us, line.baseline.c_str(),
        line.baseline_us, line.flops, line.bytes, i + 1 < lines_.size() ? "," : "");
    file << text;
  }
  file << "]}\n";
  file.flush();
  if (!file) Require(Status("cannot write " + path_));
}

}  // namespace baleen::cuda::bench
