// Multi-turn traffic over several workers with prefix caches of bounded size: prompt tokens that must be computed, picked by prefix and
// load against round robin. A simulation: no clock, no network; loads reach the picker late, as heartbeats do.
#include <algorithm>
#include <deque>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "benchmark/benchmark.h"
#include "services/gateway/generation/prefix_affinity.h"
#include "services/gateway/generation/worker_picker.h"

namespace baleen {
namespace {

constexpr int kConversations = 48;
constexpr int kTurns = 8;
constexpr int64_t kSystemTokens = 512;
constexpr int64_t kTurnTokens = 256;
constexpr size_t kCacheBlocks = 700;     // Of one worker; all conversations together take about 1700.
constexpr size_t kRunningRequests = 24;  // At a time, in the whole cluster.
constexpr int kHeartbeatEvery = 8;       // Requests.

// An LRU prefix cache and a count of sequences.
struct SimulatedWorker {
  int64_t Serve(const std::vector<uint64_t>& names, int64_t tokens) {
    int64_t cached = 0;
    bool hit = true;
    for (const uint64_t name : names) {
      const auto it = std::find(blocks.begin(), blocks.end(), name);
      hit = hit && it != blocks.end();
      if (hit) cached += PrefixAffinity::kBlockTokens;
      if (it != blocks.end()) blocks.erase(it);
      blocks.push_back(name);
    }
    while (blocks.size() > kCacheBlocks) blocks.pop_front();
    computed += tokens - cached;
    return tokens - cached;
  }
  std::deque<uint64_t> blocks;
  int64_t computed = 0;
  uint32_t running = 0;
};

struct Outcome {
  int64_t computed = 0;
  int64_t busiest = 0;
};

Outcome Simulate(bool by_prefix, int worker_count) {
  std::mt19937 random(7);
  std::vector<SimulatedWorker> workers(static_cast<size_t>(worker_count));
  std::vector<std::vector<int32_t>> conversations(kConversations, std::vector<int32_t>(kSystemTokens, 1));
  WorkerPicker picker;
  std::deque<size_t> running;
  for (int request = 0; request < kConversations * kTurns; ++request) {
    if (request % kHeartbeatEvery == 0) {
      auto map = std::make_shared<v1::ClusterMap>();
      for (int i = 0; i < worker_count; ++i) {
        v1::Worker* worker = map->add_workers();
        worker->mutable_info()->set_worker_id(absl::StrCat(i));
        worker->mutable_info()->set_role(v1::ROLE_DECODE);
        worker->set_running(workers[static_cast<size_t>(i)].running);
        worker->set_ready(true);
      }
      picker.UpdateMap(std::move(map));
    }
    std::vector<int32_t>& tokens = conversations[random() % kConversations];
    for (int64_t i = 0; i < kTurnTokens; ++i) tokens.push_back(static_cast<int32_t>(random() % 10000));
    const size_t chosen = by_prefix ? static_cast<size_t>(std::stoi(picker.Pick({}, "", {.salt = "", .tokens = tokens})->worker_id))
                                    : static_cast<size_t>(request % worker_count);
    workers[chosen].Serve(PrefixAffinity::NameBlocks("", tokens), static_cast<int64_t>(tokens.size()));
    ++workers[chosen].running;
    running.push_back(chosen);
    if (running.size() > kRunningRequests) {
      --workers[running.front()].running;
      running.pop_front();
    }
  }
  Outcome outcome;
  for (const SimulatedWorker& worker : workers) {
    outcome.computed += worker.computed;
    outcome.busiest = std::max(outcome.busiest, worker.computed);
  }
  return outcome;
}

void BM_MultiTurn(benchmark::State& state) {
  const int workers = static_cast<int>(state.range(0));
  Outcome ours;
  Outcome round_robin;
  for (auto _ : state) {
    ours = Simulate(true, workers);
    round_robin = Simulate(false, workers);
  }
  state.counters["computed"] = static_cast<double>(ours.computed);
  state.counters["computed_round_robin"] = static_cast<double>(round_robin.computed);
  state.counters["gain"] = static_cast<double>(round_robin.computed) / static_cast<double>(ours.computed);
  state.counters["busiest_gain"] = static_cast<double>(round_robin.busiest) / static_cast<double>(ours.busiest);
}
BENCHMARK(BM_MultiTurn)->ArgName("workers")->Arg(2)->Arg(4)->Arg(8)->Iterations(1)->Unit(benchmark::kMillisecond);

// What a pick costs for a prompt of 8192 tokens.
void BM_Pick(benchmark::State& state) {
  WorkerPicker picker;
  auto map = std::make_shared<v1::ClusterMap>();
  for (int i = 0; i < 16; ++i) {
    v1::Worker* worker = map->add_workers();
    worker->mutable_info()->set_worker_id(absl::StrCat(i));
    worker->mutable_info()->set_role(v1::ROLE_DECODE);
    worker->set_ready(true);
  }
  picker.UpdateMap(std::move(map));
  const std::vector<int32_t> prompt(8192, 5);
  for (auto _ : state) benchmark::DoNotOptimize(picker.Pick({}, "", {.salt = "", .tokens = prompt}));
}
BENCHMARK(BM_Pick);

}  // namespace
}  // namespace baleen
