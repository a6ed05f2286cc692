// Time of one PackedLinear::Apply: m = 1 shows bandwidth, m = 512 arithmetic.
#include <benchmark/benchmark.h>

#include <vector>

#include "kernels/linear.h"

namespace baleen {
namespace {

void BM_Linear(benchmark::State& state, DType compute, Isa isa) {
  if (!Supported(isa)) {
    state.SkipWithError("this CPU lacks the instruction set");
    return;
  }
  const int64_t m = state.range(0);
  const int64_t n = state.range(1);
  const int64_t k = state.range(2);
  std::vector<float> w(n * k);
  for (size_t i = 0; i < w.size(); ++i) w[i] = static_cast<float>(i % 101) * 0.01f - 0.5f;
  const std::vector<float> x(m * k, 0.25f);
  std::vector<float> y(m * n);
  ThreadPool pool(static_cast<int>(state.range(3)));
  const PackedLinear linear = PackedLinear::Pack({.data = w.data(), .dtype = DType::kF32, .rows = n, .cols = k}, compute, isa);
  for (auto unused : state) {
    linear.Apply(x.data(), m, k, y.data(), n, &pool);
    benchmark::DoNotOptimize(y.data());
  }
  const double products = static_cast<double>(m * n * k) * static_cast<double>(state.iterations());
  state.counters["GFLOPS"] = benchmark::Counter(2e-9 * products, benchmark::Counter::kIsRate);
  state.counters["GBps"] = benchmark::Counter(1e-9 * static_cast<double>(linear.bytes() * state.iterations()), benchmark::Counter::kIsRate);
}

void Shapes(benchmark::internal::Benchmark* bench) {
  bench->ArgNames({"m", "n", "k", "threads"})->UseRealTime()->Unit(benchmark::kMicrosecond);
  for (const int64_t threads : {1, 2}) {
    for (const int64_t m : {1, 8, 64, 512}) bench->Args({m, 2048, 7168, threads});
  }
}

BENCHMARK_CAPTURE(BM_Linear, bf16_avx512, DType::kBf16, Isa::kAvx512)->Apply(Shapes);
BENCHMARK_CAPTURE(BM_Linear, bf16_avx2, DType::kBf16, Isa::kAvx2)->Apply(Shapes);
BENCHMARK_CAPTURE(BM_Linear, f32_avx512, DType::kF32, Isa::kAvx512)->Apply(Shapes);

}  // namespace
}  // namespace baleen
