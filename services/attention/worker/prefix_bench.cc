// Time to the first token of a 2K prompt, cold against with its prefix cached, experts in this process. MODEL names another checkpoint than
// the one that ships.
#include <prometheus/registry.h>

#include <algorithm>
#include <cstdlib>
#include <future>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/clock.h"
#include "benchmark/benchmark.h"
#include "services/attention/probe.h"
#include "services/attention/worker/engine_runner.h"
#include "services/attention/worker/step_loop.h"
#include "tests/invariance/model_fixture.h"

namespace baleen {
namespace {

constexpr int64_t kPrompt = 2000;

class EndSignal final : public SequenceObserver {
 public:
  void OnFinished(const absl::Status& status, StopReason reason) override { ended_.set_value(status.ok()); }
  bool Wait() { return ended_.get_future().get(); }

 private:
  std::promise<bool> ended_;
};

double SecondsToFirstToken(StepLoop& loop, const std::vector<int32_t>& prompt, const std::string& salt) {
  static int64_t requests = 0;
  SequenceRequest request;
  request.key = absl::StrCat(++requests);
  request.cache_salt = salt;
  request.tokens = prompt;
  request.prompt_tokens = static_cast<int64_t>(prompt.size());
  request.stop = {.max_tokens = 1, .min_tokens = 0, .stop_ids = {}, .max_positions = kPrompt + 1};
  auto end = std::make_shared<EndSignal>();
  request.observer = end;
  const absl::Time start = Clock::Real()->Now();
  if (!loop.Submit(std::move(request)).ok() || !end->Wait()) std::abort();
  return absl::ToDoubleSeconds(Clock::Real()->Now() - start);
}

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

// One iteration is a pair: a cold prompt, then the same again.
void BM_WarmPrefix(benchmark::State& state) {
  const char* directory = std::getenv("MODEL");
  ModelFixture model(
      {.directory = directory != nullptr ? directory : "checkpoints/abacus", .numerics = {DType::kBf16, BestIsa()}, .threads = 2});
  prometheus::Registry registry;
  AttentionProbe probe(registry);
  BlockPool pool(model.engine().kv_shape(), int64_t{256} << 20);
  EngineRunner runner(&model.engine(), &model.experts());
  StepLoopOptions options;
  options.tokenizer_size = model.config().vocab_size;
  StepLoop loop(options, &runner, &pool, nullptr, &probe, Clock::Real());
  std::vector<double> cold, warm, ratios;
  for (auto _ : state) {
    const std::string salt = absl::StrCat(cold.size());
    const std::vector<int32_t> prompt = model.Tokens(kPrompt, cold.size());
    cold.push_back(SecondsToFirstToken(loop, prompt, salt));
    warm.push_back(SecondsToFirstToken(loop, prompt, salt));
    ratios.push_back(warm.back() / cold.back());
  }
  state.counters["cold_s"] = Median(cold);
  state.counters["warm_s"] = Median(warm);
  state.counters["warm_share"] = Median(ratios);
  state.counters["warm_share_max"] = *std::max_element(ratios.begin(), ratios.end());
}
BENCHMARK(BM_WarmPrefix)->Iterations(5)->UseRealTime()->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace baleen
