// How long plans for DeepSeek-V3's experts take, and what they are worth: 58 MoE layers of 256 experts in 8 groups, shards of 8 a failure
// domain, loads as uneven as Zipf's law has them (the hottest expert of a layer takes 16% of its rows).
//
// First: nobody holds anything and no load is known. Skewed: the first plan meets uneven load. Lost: a shard is gone whose cluster had a
// plan for even load, or (LostOfSkewed) for the uneven one.
#include <algorithm>
#include <cstdint>
#include <random>
#include <vector>

#include "absl/strings/str_cat.h"
#include "benchmark/benchmark.h"
#include "services/placement/planner/plan.h"

namespace baleen {
namespace {

constexpr uint32_t kShardsOfADomain = 8;

PlanInput V3(const benchmark::State& state) {
  PlanInput input;
  input.shape = {.first_moe_layer = 3, .moe_layers = 58, .experts = 256, .groups = 8};
  for (uint32_t shard = 0; shard < state.range(0); ++shard) {
    input.shards.push_back({absl::StrCat("node-", shard / kShardsOfADomain), {}});
  }
  input.replicas = static_cast<uint32_t>(state.range(1));
  input.extra_slots = 2;
  return input;
}

ExpertLoads ZipfLoads(const ModelShape& shape) {
  std::mt19937 random(1);
  ExpertLoads loads;
  for (uint32_t layer = 0; layer < shape.moe_layers; ++layer) {
    std::vector<double> rows(shape.experts);
    for (uint32_t rank = 0; rank < shape.experts; ++rank) rows[rank] = 1e6 / (rank + 1);
    std::shuffle(rows.begin(), rows.end(), random);
    loads.push_back(std::move(rows));
  }
  return loads;
}

void Carry(PlanInput& input, const Plan& plan) {
  for (size_t shard = 0; shard < input.shards.size(); ++shard) input.shards[shard].current = plan[shard];
}

// Experts that shards have to load.
size_t CountMoves(const PlanInput& input, const Plan& plan) {
  size_t moves = 0;
  for (size_t shard = 0; shard < plan.size(); ++shard) moves += CountExperts(Difference(plan[shard], input.shards[shard].current));
  return moves;
}

void Run(benchmark::State& state, const PlanInput& input) {
  Plan plan;
  for (auto _ : state) plan = *PlanExperts(input);
  state.counters["moves"] = static_cast<double>(CountMoves(input, plan));
}

void First(benchmark::State& state) { Run(state, V3(state)); }

void Lost(benchmark::State& state) {
  PlanInput input = V3(state);
  Carry(input, *PlanExperts(input));
  input.shards.pop_back();
  Run(state, input);
}

void LostOfSkewed(benchmark::State& state) {
  PlanInput input = V3(state);
  input.loads = ZipfLoads(input.shape);
  Carry(input, *PlanExperts(input));
  input.shards.pop_back();
  Run(state, input);
}

void Skewed(benchmark::State& state) {
  PlanInput input = V3(state);
  Carry(input, *PlanExperts(input));
  input.loads = ZipfLoads(input.shape);
  Plan held;
  for (const PlanShard& shard : input.shards) held.push_back(shard.current);
  state.counters["imbalance_before"] = Imbalance(input.shape, input.loads, held);
  state.counters["imbalance_after"] = Imbalance(input.shape, input.loads, *PlanExperts(input));
  Run(state, input);
}

// How uneven the plan is, which placement asks for with every round of rebalancing.
void MeasureImbalance(benchmark::State& state) {
  PlanInput input = V3(state);
  const Plan plan = *PlanExperts(input);
  const ExpertLoads loads = ZipfLoads(input.shape);
  for (auto _ : state) benchmark::DoNotOptimize(Imbalance(input.shape, loads, plan));
}

void Sizes(benchmark::internal::Benchmark* bench) {
  bench->ArgNames({"shards", "replicas"})->ArgsProduct({{16, 64, 320}, {1, 2}})->Unit(benchmark::kMillisecond);
}

BENCHMARK(First)->Apply(Sizes);
BENCHMARK(Lost)->Apply(Sizes);
BENCHMARK(LostOfSkewed)->Apply(Sizes);
BENCHMARK(Skewed)->Apply(Sizes);
BENCHMARK(MeasureImbalance)->Apply(Sizes);

}  // namespace
}  // namespace baleen
