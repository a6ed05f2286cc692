// What heartbeats cost placement while a cluster of DeepSeek-V3's size loads its experts: 58 MoE layers of 256 experts, two copies each,
// shards of 8 a failure domain. The time is that of one heartbeat that says that a layer more is loaded, its part of the map that others
// are then sent, and its part of the ticks, of which there are four a second while each shard reports twice.
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "benchmark/benchmark.h"
#include "services/placement/cluster.h"

namespace baleen {
namespace {

constexpr ModelShape kV3{.first_moe_layer = 3, .moe_layers = 58, .experts = 256, .groups = 8};
constexpr uint32_t kShardsOfADomain = 8;

class SetClock final : public Clock {
 public:
  absl::Time Now() override { return now; }
  void Sleep(absl::Duration duration) override { now += duration; }
  absl::Time now = absl::UnixEpoch();
};

std::string Id(uint32_t shard) { return absl::StrCat("shard-", shard); }

void Load(benchmark::State& state) {
  const auto shards = static_cast<uint32_t>(state.range(0));
  for (auto _ : state) {
    state.PauseTiming();
    SetClock clock;
    ClusterOptions options;
    options.assignment = {.expected_shards = shards, .replicas = 2};
    Cluster cluster(options, &clock);
    std::vector<Holdings> told(shards), loaded(shards);
    for (uint32_t shard = 0; shard < shards; ++shard) {
      WorkerDescription worker;
      worker.id = Id(shard);
      worker.role = WorkerRole::kExpert;
      worker.failure_domain = absl::StrCat("node-", shard / kShardsOfADomain);
      worker.shape = kV3;
      benchmark::DoNotOptimize(cluster.Register(worker, 0, {}));
    }
    cluster.Tick();
    for (uint32_t shard = 0; shard < shards; ++shard) told[shard] = cluster.Targets().at(Id(shard));
    size_t maps = 0;
    const uint64_t watch = *cluster.Watch([&maps](const MapPtr&) { ++maps; });
    state.ResumeTiming();
    for (uint32_t layer = 0; layer < kV3.moe_layers; ++layer) {
      for (uint32_t shard = 0; shard < shards; ++shard) {
        if (layer < told[shard].size()) loaded[shard].push_back(told[shard][layer]);
        WorkerReport report;
        report.ready = true;
        report.loaded = loaded[shard];
        benchmark::DoNotOptimize(cluster.Report(Id(shard), report));
        if (shard % ((shards + 1) / 2) == 0) {
          clock.now += absl::Milliseconds(250);
          cluster.Tick();
        }
      }
    }
    state.PauseTiming();
    cluster.Unwatch(watch);
    state.counters["maps"] = static_cast<double>(maps);
    state.ResumeTiming();
  }
  state.counters["s_a_heartbeat"] = benchmark::Counter(static_cast<double>(shards) * kV3.moe_layers,
                                                       benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}

BENCHMARK(Load)->ArgName("shards")->Arg(32)->Arg(64)->Arg(320)->Iterations(1)->Unit(benchmark::kSecond);

}  // namespace
}  // namespace baleen
