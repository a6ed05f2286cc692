// What a layer's decisions cost beside large clusters: planning, the answers, the end, as one decode step of one layer has them.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <random>
#include <vector>

#include "absl/strings/str_cat.h"
#include "proto/baleen/v1/placement.pb.h"
#include "services/router/dispatch_core.h"

namespace baleen {
namespace {

constexpr int kExperts = 256;
constexpr int kTopK = 8;
constexpr int kReplicas = 2;

ReplicaTable TableOf(int shards) {
  v1::ClusterMap map;
  for (int i = 0; i < shards; ++i) {
    v1::Worker* worker = map.add_workers();
    worker->mutable_info()->set_worker_id(absl::StrCat("expert-", i));
    worker->mutable_info()->set_role(v1::ROLE_EXPERT);
    worker->add_experts()->set_layer(0);
  }
  for (int slot = 0; slot < std::max(shards, kExperts * kReplicas); ++slot) {
    map.mutable_workers(slot % shards)->mutable_experts(0)->add_experts(static_cast<uint32_t>(slot % kExperts));
  }
  return ReplicaTable(map, "");
}

std::vector<int32_t> DrawExperts(int64_t rows) {
  std::mt19937 random(1);
  std::vector<int32_t> all(kExperts), drawn;
  for (int i = 0; i < kExperts; ++i) all[static_cast<size_t>(i)] = i;
  for (int64_t row = 0; row < rows; ++row) {
    std::shuffle(all.begin(), all.end(), random);
    std::sort(all.begin(), all.begin() + kTopK);
    drawn.insert(drawn.end(), all.begin(), all.begin() + kTopK);
  }
  return drawn;
}

void Layer(benchmark::State& state) {
  DispatchCore core{DispatchPolicy()};
  absl::Time now = absl::FromUnixSeconds(1000);
  core.SetMap(TableOf(static_cast<int>(state.range(0))), now);
  for (const ShardInfo& shard : core.table().shards()) core.Connected(shard.worker_id);
  const int64_t rows = state.range(1);
  const std::vector<int32_t> experts = DrawExperts(rows);
  for (auto _ : state) {
    const BatchId batch = core.Begin({0, rows, kTopK, experts.data(), 1024});
    now += absl::Microseconds(100);
    for (const OutgoingCall& call : core.PlanBatch(batch, now)) {
      const auto answer = core.Answered(call.id, call.worker_id, now + absl::Microseconds(50));
      core.Written(batch, answer->places.size());
    }
    benchmark::DoNotOptimize(core.End(batch).ok());
  }
}

BENCHMARK(Layer)->ArgNames({"shards", "rows"})->Args({8, 16})->Args({64, 16})->Args({320, 16})->Args({320, 128});

}  // namespace
}  // namespace baleen
