// Time of one MlaAttention: one decode row over a long context, and a prefill chunk.
#include <benchmark/benchmark.h>

#include <vector>

#include "kernels/mla_attention.h"

namespace baleen {
namespace {

void BM_MlaAttention(benchmark::State& state, Isa isa) {
  if (!Supported(isa)) {
    state.SkipWithError("this CPU lacks the instruction set");
    return;
  }
  const MlaShape shape = {.heads = static_cast<int>(state.range(0)), .kv_lora = 512, .rope = 64, .scale = 0.1f, .kv_dtype = DType::kBf16};
  const int64_t width = shape.kv_lora + shape.rope;
  const int64_t rows = state.range(1);
  const int64_t context = state.range(2);
  const int64_t blocks = (context + rows + kKvBlockTokens - 1) / kKvBlockTokens;
  const std::vector<Bf16> keys(blocks * kKvBlockTokens * width, F32ToBf16(0.25f));
  std::vector<const void*> pages(blocks);
  for (int64_t b = 0; b < blocks; ++b) pages[b] = keys.data() + b * kKvBlockTokens * width;
  std::vector<MlaQueryRow> queries(rows);
  for (int64_t r = 0; r < rows; ++r) queries[r] = {pages.data(), context + r - 1};
  const std::vector<float> query(rows * shape.heads * width, 0.125f);
  std::vector<float> out(rows * shape.heads * shape.kv_lora);
  ThreadPool pool(static_cast<int>(state.range(3)));
  for (auto unused : state) {
    MlaAttention(shape, queries.data(), rows, query.data(), out.data(), isa, &pool);
    benchmark::DoNotOptimize(out.data());
  }
  const double products = static_cast<double>(rows * shape.heads * context * (width + shape.kv_lora));
  state.counters["GFLOPS"] = benchmark::Counter(2e-9 * products * static_cast<double>(state.iterations()), benchmark::Counter::kIsRate);
}

void Shapes(benchmark::internal::Benchmark* bench) {
  bench->ArgNames({"heads", "rows", "context", "threads"})->UseRealTime()->Unit(benchmark::kMicrosecond);
  bench->Args({128, 1, 4096, 1})->Args({16, 1, 8192, 1})->Args({16, 1, 8192, 2})->Args({16, 64, 1024, 1})->Args({16, 64, 1024, 2});
}

BENCHMARK_CAPTURE(BM_MlaAttention, amx, Isa::kAmx)->Apply(Shapes);
BENCHMARK_CAPTURE(BM_MlaAttention, avx512, Isa::kAvx512)->Apply(Shapes);
BENCHMARK_CAPTURE(BM_MlaAttention, avx2, Isa::kAvx2)->Apply(Shapes);

}  // namespace
}  // namespace baleen
