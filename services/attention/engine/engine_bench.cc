// Tokens per second of the engine alone, experts in this process, on the checkpoint that ships.
#include <vector>

#include "benchmark/benchmark.h"
#include "tests/invariance/model_fixture.h"

namespace baleen {
namespace {

constexpr char kModel[] = "checkpoints/abacus";
constexpr int64_t kContext = 300;  // Positions that a decoding sequence attends to.

DType ComputeOf(int64_t argument) { return argument == 0 ? DType::kF32 : DType::kBf16; }

// One token of each of `batch` sequences at position kContext.
void BM_Decode(benchmark::State& state) {
  ModelFixture model({kModel, {ComputeOf(state.range(1)), BestIsa()}, static_cast<int>(state.range(2))});
  const int64_t batch = state.range(0);
  const int64_t blocks_each = kContext / 64 + 1;
  BlockPool kv(model.engine().kv_shape(), batch * blocks_each * model.engine().kv_shape().BlockBytes());
  const std::vector<int32_t> tokens = model.Tokens(batch, 1);
  std::vector<std::vector<BlockId>> blocks;
  for (int64_t i = 0; i < batch; ++i) blocks.push_back(*kv.Allocate(blocks_each));
  std::vector<SequenceStep> steps;
  for (int64_t i = 0; i < batch; ++i) steps.push_back({blocks[i], kContext, absl::MakeConstSpan(tokens).subspan(i, 1), 1});
  std::vector<float> logits;
  for (auto _ : state) {
    if (!model.engine().Step(steps, kv, model.experts(), {}, &logits).ok()) state.SkipWithError("step failed");
  }
  state.SetItemsProcessed(state.iterations() * batch);
}
BENCHMARK(BM_Decode)->ArgNames({"batch", "bf16", "threads"})->ArgsProduct({{1, 8, 64}, {0, 1}, {1, 2}})->UseRealTime();

// A prompt of `tokens` in one step.
void BM_Prefill(benchmark::State& state) {
  ModelFixture model({kModel, {ComputeOf(state.range(1)), BestIsa()}, static_cast<int>(state.range(2))});
  const std::vector<int32_t> tokens = model.Tokens(state.range(0), 1);
  const int64_t blocks_needed = (state.range(0) + 63) / 64;
  BlockPool kv(model.engine().kv_shape(), blocks_needed * model.engine().kv_shape().BlockBytes());
  const std::vector<BlockId> blocks = *kv.Allocate(blocks_needed);
  std::vector<float> logits;
  for (auto _ : state) {
    if (!model.engine().Step({{blocks, 0, tokens, 1}}, kv, model.experts(), {}, &logits).ok()) state.SkipWithError("step failed");
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(BM_Prefill)->ArgNames({"tokens", "bf16", "threads"})->ArgsProduct({{64, 512}, {0, 1}, {1, 2}})->UseRealTime();

}  // namespace
}  // namespace baleen
