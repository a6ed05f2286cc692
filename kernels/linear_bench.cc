// PackedLinear on the shapes of `mid` (//tools:make_checkpoint), beside what the machine gives in the same run: BM_Peak and BM_Read.
// m = 1 walks the experts of a layer, as decode does, so weights come from memory; m = 16 and 512 show what lies between and arithmetic.
// The rates by CPU time hold on a machine with neighbours, if clocks and caches are theirs as much as ours.
#include <benchmark/benchmark.h>
#include <immintrin.h>

#include <cstring>
#include <numeric>
#include <vector>

#include "kernels/aligned_buffer.h"
#include "kernels/linear.h"

namespace baleen {
namespace {

// Weights walked in turn: more than a last-level cache keeps.
constexpr int64_t kMemory = int64_t{256} << 20;
constexpr int64_t kHidden = 2048;
constexpr int64_t kInner = 1024;

double Products(const benchmark::State& state, int64_t m) {
  return static_cast<double>(m * kInner * kHidden) * static_cast<double>(state.iterations());
}

void BM_Linear(benchmark::State& state, DType compute, Isa isa) {
  if (!Supported(isa)) {
    state.SkipWithError("this CPU lacks the instruction set");
    return;
  }
  const int64_t m = state.range(0);
  std::vector<float> w(kInner * kHidden);
  for (size_t i = 0; i < w.size(); ++i) w[i] = static_cast<float>(i % 101) * 0.01f - 0.5f;
  std::vector<PackedLinear> experts;
  do {
    experts.push_back(PackedLinear::Pack({.data = w.data(), .dtype = DType::kF32, .rows = kInner, .cols = kHidden}, compute, isa));
  } while (m < 64 && static_cast<int64_t>(experts.size()) * experts[0].bytes() < kMemory);
  const std::vector<float> x(m * kHidden, 0.25f);
  std::vector<float> y(m * kInner);
  ThreadPool pool(static_cast<int>(state.range(1)));
  size_t next = 0;
  for (auto unused : state) {
    experts[next].Apply(x.data(), m, kHidden, y.data(), kInner, &pool);
    next = (next + 1) % experts.size();
    benchmark::DoNotOptimize(y.data());
  }
  const double bytes = static_cast<double>(experts[0].bytes()) * static_cast<double>(state.iterations());
  state.counters["GFLOPS"] = benchmark::Counter(2e-9 * Products(state, m), benchmark::Counter::kIsRate);
  state.counters["GBps"] = benchmark::Counter(1e-9 * bytes, benchmark::Counter::kIsRate);
}

void Shapes(benchmark::internal::Benchmark* bench) {
  bench->ArgNames({"m", "threads"})->Unit(benchmark::kMicrosecond);
  for (const int64_t m : {1, 16, 64, 512}) bench->Args({m, 1});
}

void Threads(benchmark::internal::Benchmark* bench) {
  bench->ArgNames({"m", "threads"})->Unit(benchmark::kMicrosecond)->UseRealTime();
  for (const int64_t m : {1, 16, 64, 512}) bench->Args({m, 2});
}

BENCHMARK_CAPTURE(BM_Linear, bf16_amx, DType::kBf16, Isa::kAmx)->Apply(Shapes)->Apply(Threads);
BENCHMARK_CAPTURE(BM_Linear, int8_amx, DType::kI8, Isa::kAmx)->Apply(Shapes)->Apply(Threads);
BENCHMARK_CAPTURE(BM_Linear, fp8_amx, DType::kF8E4m3, Isa::kAmx)->Apply(Shapes);
BENCHMARK_CAPTURE(BM_Linear, bf16_avx512, DType::kBf16, Isa::kAvx512)->Apply(Shapes)->Apply(Threads);
BENCHMARK_CAPTURE(BM_Linear, int8_avx512, DType::kI8, Isa::kAvx512)->Apply(Shapes);
BENCHMARK_CAPTURE(BM_Linear, fp8_avx512, DType::kF8E4m3, Isa::kAvx512)->Apply(Shapes);
BENCHMARK_CAPTURE(BM_Linear, f32_avx512, DType::kF32, Isa::kAvx512)->Apply(Shapes);
BENCHMARK_CAPTURE(BM_Linear, bf16_avx2, DType::kBf16, Isa::kAvx2)->Apply(Shapes);
BENCHMARK_CAPTURE(BM_Linear, int8_avx2, DType::kI8, Isa::kAvx2)->Apply(Shapes);
BENCHMARK_CAPTURE(BM_Linear, fp8_avx2, DType::kF8E4m3, Isa::kAvx2)->Apply(Shapes);

constexpr int kChains = 12;  // More than latency times throughput of a multiply-add.
constexpr int64_t kSteps = 100'000;

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

__attribute__((target("avx512f"))) void F32Chains() {
  __m512 sums[kChains] = {};
  const __m512 factor = _mm512_set1_ps(0.5f);
  for (int64_t step = 0; step < kSteps; ++step) {
#pragma GCC unroll 12
    for (__m512& sum : sums) {
      sum = _mm512_fmadd_ps(sum, factor, factor);
      __asm__ volatile("" : "+v"(sum));
    }
  }
}

__attribute__((target("avx512f,avx512vnni"))) void Int8Chains() {
  __m512i sums[kChains] = {};
  const __m512i factor = _mm512_set1_epi8(1);
  for (int64_t step = 0; step < kSteps; ++step) {
#pragma GCC unroll 12
    for (__m512i& sum : sums) {
      sum = _mm512_dpbusd_epi32(sum, factor, factor);
      __asm__ volatile("" : "+v"(sum));
    }
  }
}

// Isa::kAvx512 says nothing of these two.
bool HasF32() { return Supported(Isa::kAvx512); }
bool HasBf16() { return __builtin_cpu_supports("avx512bf16"); }
bool HasInt8() { return __builtin_cpu_supports("avx512vnni"); }

// Arithmetic alone, in registers; operations of one instruction. Where a CPU has no BF16 instructions, BF16 kernels use F32's.
void BM_Peak(benchmark::State& state, bool (*has)(), void (*chains)(), int operations) {
  if (!has()) {
    state.SkipWithError("this CPU lacks the instruction");
    return;
  }
  for (auto unused : state) chains();
  const double count = static_cast<double>(kSteps) * kChains * operations * static_cast<double>(state.iterations());
  state.counters["GFLOPS"] = benchmark::Counter(1e-9 * count, benchmark::Counter::kIsRate);
}

BENCHMARK_CAPTURE(BM_Peak, bf16, HasBf16, Bf16Chains, 64)->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(BM_Peak, f32, HasF32, F32Chains, 32)->Unit(benchmark::kMicrosecond);
BENCHMARK_CAPTURE(BM_Peak, int8, HasInt8, Int8Chains, 128)->Unit(benchmark::kMicrosecond);

__attribute__((target("avx512f"))) int64_t SumAvx512(const int64_t* words, int64_t count) {
  using Lanes = int64_t __attribute__((vector_size(64)));
  Lanes sums[8] = {};
  for (int64_t i = 0; i + 64 <= count; i += 64) {
#pragma GCC unroll 8
    for (int lane = 0; lane < 8; ++lane) sums[lane] += *reinterpret_cast<const Lanes*>(words + i + 8 * lane);
  }
  int64_t total = 0;
  for (const Lanes& lanes : sums) {
    for (int i = 0; i < 8; ++i) total += lanes[i];
  }
  return total;
}

// Reads as many bytes, in the same pieces, as BF16 experts have.
void BM_Read(benchmark::State& state) {
  constexpr int64_t kPiece = kInner * kHidden * 2;
  const AlignedBuffer memory(kMemory);
  std::memset(memory.data(), 1, memory.size());
  const int64_t piece = kPiece / static_cast<int64_t>(sizeof(int64_t));
  const auto* words = static_cast<const int64_t*>(memory.data());
  int64_t next = 0;
  for (auto unused : state) {
    const int64_t* from = words + next * piece;
    benchmark::DoNotOptimize(Supported(Isa::kAvx512) ? SumAvx512(from, piece) : std::accumulate(from, from + piece, int64_t{0}));
    next = (next + 1) % (kMemory / kPiece);
  }
  const double bytes = static_cast<double>(piece) * sizeof(int64_t) * static_cast<double>(state.iterations());
  state.counters["GBps"] = benchmark::Counter(1e-9 * bytes, benchmark::Counter::kIsRate);
}

BENCHMARK(BM_Read)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace baleen
