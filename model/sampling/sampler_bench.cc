// What choosing a token costs beside the network: a vocabulary of V3's size, greedy, drawn, and with penalties behind a long prompt.
#include <cstdint>
#include <random>
#include <vector>

#include "benchmark/benchmark.h"
#include "model/sampling/sampler.h"

namespace baleen {
namespace {

constexpr int64_t kVocabulary = 129280;

std::vector<float> Logits() {
  std::mt19937 random(1);
  std::normal_distribution<float> normal;
  std::vector<float> logits(kVocabulary);
  for (float& logit : logits) logit = 3 * normal(random);
  return logits;
}

void BM_Greedy(benchmark::State& state) {
  const std::vector<float> logits = Logits();
  for (auto _ : state) benchmark::DoNotOptimize(Sample({}, logits, kVocabulary, {}, 0).token);
}
BENCHMARK(BM_Greedy)->Unit(benchmark::kMicrosecond);

void BM_Drawn(benchmark::State& state) {
  const std::vector<float> logits = Logits();
  SamplerParams params;
  params.temperature = 0.6f;
  params.top_p = 0.95f;
  int64_t position = 0;
  for (auto _ : state) benchmark::DoNotOptimize(Sample(params, logits, kVocabulary, {}, position++).token);
}
BENCHMARK(BM_Drawn)->Unit(benchmark::kMicrosecond);

void BM_Penalized(benchmark::State& state) {
  const std::vector<float> logits = Logits();
  std::mt19937 random(2);
  std::vector<int32_t> tokens(static_cast<size_t>(state.range(0)));
  // Texts use some ids often and most seldom.
  for (int32_t& token : tokens) token = static_cast<int32_t>(random() % (1 + random() % kVocabulary));
  SamplerParams params;
  params.adjustments.repetition_penalty = 1.1f;
  params.adjustments.frequency_penalty = 0.1f;
  TokenCounts counts;
  for (auto _ : state) {
    const SampleContext context{.tokens = tokens, .prompt_tokens = state.range(0) / 2, .allowed = nullptr, .counts = &counts};
    tokens.push_back(Sample(params, logits, kVocabulary, {}, static_cast<int64_t>(tokens.size()), context).token);
  }
}
BENCHMARK(BM_Penalized)->ArgName("context")->Arg(1000)->Arg(100000)->Unit(benchmark::kMicrosecond)->Iterations(200);

}  // namespace
}  // namespace baleen
