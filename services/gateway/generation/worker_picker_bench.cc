// Multi-turn traffic over several workers with prefix caches of bounded size: the picker by prefix and load, by load alone, and round
// robin. A simulation around the real picker: time is simulated, and loads reach the picker late, as heartbeats do.
#include <algorithm>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <queue>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/clock.h"
#include "base/kv_block.h"
#include "benchmark/benchmark.h"
#include "services/gateway/generation/prefix_affinity.h"
#include "services/gateway/generation/worker_picker.h"
#include "services/placement/timing.h"

namespace baleen {
namespace {

constexpr int kConversations = 48;
constexpr int kTurns = 8;
constexpr int64_t kSystemTokens = 512;  // Common to all conversations.
constexpr int64_t kTurnTokens = 192;    // Of the user.
constexpr int64_t kAnswerTokens = 64;
constexpr size_t kCacheBlocks = 700;  // Of one worker; all conversations together take about 1600.
// Of one worker, about what mid does on two cores.
constexpr double kPrefillTokensPerSecond = 470;
constexpr absl::Duration kTokenTime = absl::Milliseconds(50);
constexpr double kMeanThinkSeconds = 20;

enum class Policy { kPrefixAndLoad, kLoad, kRoundRobin };

class SimulatedClock final : public Clock {
 public:
  absl::Time Now() override { return now; }
  void Sleep(absl::Duration duration) override { now += duration; }
  absl::Time now = absl::UnixEpoch();
};

// An LRU prefix cache.
class Cache {
 public:
  // Tokens of the prompt that are there; afterwards all of it is.
  int64_t Take(const std::vector<uint64_t>& names) {
    int64_t cached = 0;
    bool hit = true;
    for (const uint64_t name : names) {
      const auto it = std::find(blocks_.begin(), blocks_.end(), name);
      hit = hit && it != blocks_.end();
      if (hit) cached += kKvBlockTokens;
      if (it != blocks_.end()) blocks_.erase(it);
      blocks_.push_back(name);
    }
    while (blocks_.size() > kCacheBlocks) blocks_.pop_front();
    return cached;
  }

 private:
  std::deque<uint64_t> blocks_;
};

struct SimulatedWorker {
  Cache cache;
  absl::Time prefill_free;  // When the prompts it has are filled.
  uint32_t sequences = 0;
};

struct Outcome {
  int64_t prompt_tokens = 0;
  int64_t cached_tokens = 0;
  std::vector<double> first_token_s;

  double HitRate() const { return static_cast<double>(cached_tokens) / static_cast<double>(prompt_tokens); }
  double FirstToken(double quantile) {
    std::sort(first_token_s.begin(), first_token_s.end());
    return first_token_s[static_cast<size_t>(quantile * static_cast<double>(first_token_s.size() - 1))];
  }
};

class Simulation {
 public:
  Simulation(Policy policy, int workers) : policy_(policy), workers_(static_cast<size_t>(workers), SimulatedWorker{{}, clock_.now, 0}) {}

  Outcome Run() {
    Heartbeat();
    for (int i = 0; i < kConversations; ++i) {
      conversations_.emplace_back(kSystemTokens, 1);
      At(clock_.now + Think(), [this, i] { Ask(i, kTurns); });
    }
    while (!events_.empty() && asking_ > 0) {
      const Event event = events_.top();
      events_.pop();
      clock_.now = event.at;
      event.happens();
    }
    return outcome_;
  }

 private:
  struct Event {
    absl::Time at;
    int64_t order = 0;
    std::function<void()> happens;
    bool operator<(const Event& other) const { return at != other.at ? at > other.at : order > other.order; }
  };

  void At(absl::Time at, std::function<void()> happens) { events_.push({at, order_++, std::move(happens)}); }
  absl::Duration Think() { return absl::Seconds(std::exponential_distribution<double>(1 / kMeanThinkSeconds)(random_)); }

  // What the picker knows of loads until the next one.
  void Heartbeat() {
    auto map = std::make_shared<v1::ClusterMap>();
    for (size_t i = 0; i < workers_.size(); ++i) {
      v1::Worker* worker = map->add_workers();
      worker->mutable_info()->set_worker_id(absl::StrCat(i));
      worker->mutable_info()->set_role(v1::ROLE_DECODE);
      worker->set_running(workers_[i].sequences);
      worker->set_ready(true);
    }
    picker_.UpdateMap(std::move(map));
    At(clock_.now + kHeartbeatInterval, [this] { Heartbeat(); });
  }

  PickedWorker Pick(const std::vector<int32_t>& tokens) {
    if (policy_ == Policy::kRoundRobin) return {absl::StrCat(static_cast<size_t>(asked_++) % workers_.size()), {}, {}, {}};
    const SequencePrefix prefix{.salt = "", .tokens = tokens};
    return *picker_.Pick({}, "", policy_ == Policy::kLoad ? SequencePrefix{} : prefix);
  }

  void Append(std::vector<int32_t>& tokens, int64_t count) {
    for (int64_t i = 0; i < count; ++i) tokens.push_back(static_cast<int32_t>(random_() % 10000));
  }

  void Ask(int conversation, int turns) {
    std::vector<int32_t>& tokens = conversations_[static_cast<size_t>(conversation)];
    Append(tokens, kTurnTokens);
    const PickedWorker picked = Pick(tokens);
    SimulatedWorker& worker = workers_[static_cast<size_t>(std::stoi(picked.worker_id))];
    const int64_t prompt = static_cast<int64_t>(tokens.size());
    const int64_t cached = worker.cache.Take(PrefixAffinity::NameBlocks("", tokens));
    const double fill_s = static_cast<double>(prompt - cached) / kPrefillTokensPerSecond;
    worker.prefill_free = std::max(worker.prefill_free, clock_.now) + absl::Seconds(fill_s);
    ++worker.sequences;
    outcome_.prompt_tokens += prompt;
    outcome_.cached_tokens += cached;
    outcome_.first_token_s.push_back(absl::ToDoubleSeconds(worker.prefill_free - clock_.now));
    At(worker.prefill_free + kAnswerTokens * kTokenTime,
       [this, conversation, turns, &worker, open = picked.open] { Answered(conversation, turns, worker); });
  }

  void Answered(int conversation, int turns, SimulatedWorker& worker) {
    --worker.sequences;
    std::vector<int32_t>& tokens = conversations_[static_cast<size_t>(conversation)];
    Append(tokens, kAnswerTokens);
    (void)worker.cache.Take(PrefixAffinity::NameBlocks("", tokens));
    if (turns == 1) {
      --asking_;
    } else {
      At(clock_.now + Think(), [this, conversation, turns] { Ask(conversation, turns - 1); });
    }
  }

  const Policy policy_;
  SimulatedClock clock_;
  std::mt19937 random_{7};
  std::vector<SimulatedWorker> workers_;
  std::vector<std::vector<int32_t>> conversations_;
  WorkerPicker picker_{&clock_};
  std::priority_queue<Event> events_;
  int64_t order_ = 0;
  int asking_ = kConversations;
  int64_t asked_ = 0;
  Outcome outcome_;
};

void BM_MultiTurn(benchmark::State& state) {
  static const std::map<Policy, std::string> kNames = {
      {Policy::kPrefixAndLoad, "prefix and load"}, {Policy::kLoad, "load"}, {Policy::kRoundRobin, "round robin"}};
  const Policy policy = static_cast<Policy>(state.range(1));
  Outcome outcome;
  for (auto _ : state) outcome = Simulation(policy, static_cast<int>(state.range(0))).Run();
  state.SetLabel(kNames.at(policy));
  state.counters["hit_rate"] = outcome.HitRate();
  state.counters["ttft_p50_s"] = outcome.FirstToken(0.5);
  state.counters["ttft_p95_s"] = outcome.FirstToken(0.95);
}
BENCHMARK(BM_MultiTurn)->ArgNames({"workers", "policy"})->ArgsProduct({{2, 4, 8}, {0, 1, 2}})->Iterations(1)->Unit(benchmark::kMillisecond);

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
