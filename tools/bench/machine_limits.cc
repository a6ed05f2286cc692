// Prints what the machine gives at this moment, as one line of JSON: {"read_gb_s": .., "bf16_gflops": .., "fp32_avx512_gflops": ..,
// "fp32_gflops": ..}, the last by AVX2.
// A shared host changes speed from minute to minute, so benchmarks are read against a reading from beside them.
// What the CPU lacks is 0. Without AVX512-BF16 the peak of BF16 products is fp32_avx512_gflops, as kernels widen them for its fma.
// Arithmetic stays in registers, reads are of memory far larger than the caches.
#include <immintrin.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <numeric>
#include <thread>
#include <vector>

namespace {

constexpr int64_t kSteps = 4'000'000;
constexpr int kChains = 12;  // More than latency times throughput of a multiply-add.
constexpr size_t kBytesPerThread = size_t{128} << 20;

// Seconds from before the first thread starts to after the last one ends.
double SecondsOn(int threads, const std::function<void(int)>& body) {
  const auto start = std::chrono::steady_clock::now();
  std::vector<std::thread> pool;
  for (int t = 0; t < threads; ++t) pool.emplace_back(body, t);
  for (std::thread& thread : pool) thread.join();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

__attribute__((target("avx512f,avx512bf16"))) void Bf16Chains() {
  __m512 sums[kChains] = {};
  const __m512bh factor = (__m512bh)_mm512_set1_epi32(0x3f803f80);
  for (int64_t step = 0; step < kSteps; ++step) {
#pragma GCC unroll 12  // kChains: the sums must not go through memory.
    for (__m512& sum : sums) {
      sum = _mm512_dpbf16_ps(sum, factor, factor);
      __asm__ volatile("" : "+v"(sum));
    }
  }
}

__attribute__((target("avx512f"))) void Fp32Avx512Chains() {
  __m512 sums[kChains] = {};
  const __m512 factor = _mm512_set1_ps(0.5f);
  for (int64_t step = 0; step < kSteps; ++step) {
#pragma GCC unroll 12  // kChains: the sums must not go through memory.
    for (__m512& sum : sums) {
      sum = _mm512_fmadd_ps(sum, factor, factor);
      __asm__ volatile("" : "+v"(sum));
    }
  }
}

__attribute__((target("avx2,fma"))) void Fp32Chains() {
  __m256 sums[kChains] = {};
  const __m256 factor = _mm256_set1_ps(0.5f);
  for (int64_t step = 0; step < kSteps; ++step) {
#pragma GCC unroll 12  // kChains: the sums must not go through memory.
    for (__m256& sum : sums) {
      sum = _mm256_fmadd_ps(sum, factor, factor);
      __asm__ volatile("" : "+x"(sum));
    }
  }
}

double Gflops(int threads, void (*chains)(), int flops_per_instruction) {
  const double flops = static_cast<double>(kSteps) * kChains * flops_per_instruction * threads;
  return flops / SecondsOn(threads, [chains](int) { chains(); }) / 1e9;
}

double ReadGbPerSecond(int threads) {
  const std::vector<uint64_t> words(threads * kBytesPerThread / sizeof(uint64_t), 1);
  const size_t share = words.size() / threads;
  std::vector<uint64_t> sums(threads);
  const double seconds = SecondsOn(threads, [&](int t) {
    const uint64_t* begin = words.data() + t * share;
    sums[t] = std::accumulate(begin, begin + share, uint64_t{0});
  });
  // The sums are needed, or no memory would have to be read.
  const bool whole = std::accumulate(sums.begin(), sums.end(), uint64_t{0}) == share * threads;
  return whole ? static_cast<double>(words.size() * sizeof(uint64_t)) / seconds / 1e9 : 0;
}

}  // namespace

int main() {
  const int threads = std::max(1u, std::thread::hardware_concurrency());
  const double bf16 = __builtin_cpu_supports("avx512bf16") ? Gflops(threads, Bf16Chains, 64) : 0;
  const double fp32_avx512 = __builtin_cpu_supports("avx512f") ? Gflops(threads, Fp32Avx512Chains, 32) : 0;
  const double fp32 = __builtin_cpu_supports("fma") ? Gflops(threads, Fp32Chains, 16) : 0;
  std::printf("{\"read_gb_s\": %.2f, \"bf16_gflops\": %.1f, \"fp32_avx512_gflops\": %.1f, \"fp32_gflops\": %.1f}\n",
              ReadGbPerSecond(threads), bf16, fp32_avx512, fp32);
}
