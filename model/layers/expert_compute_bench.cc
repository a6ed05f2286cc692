// Routed experts of a prompt's step, 2,048 slots, in the first MoE layer: as many to each expert, or to each an eighth of what those behind
// it left. MODEL names another checkpoint than the one that ships.
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <vector>

#include "model/layers/expert_compute.h"

namespace baleen {
namespace {

constexpr int64_t kSlots = 2048;

struct Layer {
  ModelConfig config;
  int index = 0;
  std::unique_ptr<ExpertWeights> weights;
};

const Layer& FirstMoeLayer() {
  static const Layer layer = [] {
    const char* const model = std::getenv("MODEL");
    const std::string directory = model != nullptr ? model : "checkpoints/abacus";
    Layer first;
    first.config = ModelConfig::Load(directory).value();
    while (!first.config.IsMoe(first.index)) ++first.index;
    const auto checkpoint = Checkpoint::Open(directory).value();
    const std::vector<ExpertId> ids = RoutedExperts(first.config, first.index, first.index + 1);
    first.weights = ExpertWeights::Load(*checkpoint, first.config, ids, {DType::kBf16, BestIsa()}).value();
    return first;
  }();
  return layer;
}

std::vector<int64_t> SlotsByExpert(int64_t experts, bool even) {
  std::vector<int64_t> sizes(static_cast<size_t>(experts));
  int64_t left = kSlots;
  for (int64_t i = 0; i < experts; ++i) {
    const int64_t size = even ? left / (experts - i) : i + 1 == experts ? left : left / 8;
    sizes[static_cast<size_t>(experts - 1 - i)] = size;
    left -= size;
  }
  return sizes;
}

void BM_Experts(benchmark::State& state, bool even) {
  const Layer& layer = FirstMoeLayer();
  const int64_t row_bytes = layer.config.hidden_size * static_cast<int64_t>(sizeof(Bf16));
  const std::vector<std::byte> input(static_cast<size_t>(row_bytes));
  std::vector<std::byte> output(static_cast<size_t>(kSlots * row_bytes));
  std::vector<ExpertSlot> slots;
  const std::vector<int64_t> sizes = SlotsByExpert(layer.config.n_routed_experts, even);
  for (size_t expert = 0; expert < sizes.size(); ++expert) {
    for (int64_t i = 0; i < sizes[expert]; ++i) {
      std::byte* const to = output.data() + static_cast<int64_t>(slots.size()) * row_bytes;
      slots.push_back({static_cast<uint32_t>(expert), input.data(), to});
    }
  }
  ThreadPool pool(static_cast<int>(state.range(0)));
  for (auto unused : state) ComputeExperts(*layer.weights, layer.index, slots, DType::kBf16, &pool);
}

void Threads(benchmark::internal::Benchmark* bench) {
  bench->ArgName("threads")->Arg(1)->Arg(2)->UseRealTime()->Unit(benchmark::kMillisecond);
}

BENCHMARK_CAPTURE(BM_Experts, even, true)->Apply(Threads);
BENCHMARK_CAPTURE(BM_Experts, uneven, false)->Apply(Threads);

}  // namespace
}  // namespace baleen
