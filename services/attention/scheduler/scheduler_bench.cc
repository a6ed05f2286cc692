// What the scheduler costs a step: admission, plan and completion with everybody decoding. Compare with
// //services/attention/engine:engine_bench.
#include <memory>
#include <vector>

#include "absl/strings/str_cat.h"
#include "benchmark/benchmark.h"
#include "services/attention/scheduler/scheduler.h"

namespace baleen {
namespace {

constexpr KvShape kShape = {.layers = 1, .width = 1, .dtype = DType::kF32};
constexpr int64_t kPrompt = 300;
const absl::Time kNow = absl::FromUnixSeconds(1000);

class Deaf final : public SequenceObserver {
 public:
  void OnFinished(const absl::Status& status, StopReason reason) override {}
};

void BM_Step(benchmark::State& state) {
  const int64_t sequences = state.range(0);
  BlockPool pool(kShape, sequences * 1024 * kShape.BlockBytes());
  Scheduler scheduler({.max_batch_tokens = 512, .max_running = 256}, &pool);
  int64_t keys = 0;
  const auto submit = [&] {
    SequenceRequest request;
    request.key = absl::StrCat(++keys);
    request.cache_salt = request.key;
    request.tokens.assign(kPrompt, 7);
    request.prompt_tokens = kPrompt;
    request.stop = {.max_tokens = 8192, .min_tokens = 0, .stop_ids = {1}, .max_positions = 1 << 20};
    request.observer = std::make_shared<Deaf>();
    if (!scheduler.Submit(std::move(request)).ok()) state.SkipWithError("refused");
  };
  const auto step = [&] {
    scheduler.Admit(kNow);
    const StepPlan plan = scheduler.PlanStep();
    std::vector<RowResult> results(plan.rows.size());
    for (size_t i = 0; i < results.size(); ++i) {
      if (plan.rows[i].logits > 0) results[i].tokens.push_back(5);
    }
    scheduler.CompleteStep(plan, results);
    for (const auto& ended : scheduler.TakeEnded()) benchmark::DoNotOptimize(ended->id);
    return plan.tokens;
  };
  for (int64_t i = 0; i < sequences; ++i) submit();
  while (step() != sequences) {
  }
  for (auto _ : state) {
    if (scheduler.running() < sequences) submit();
    step();
  }
}
BENCHMARK(BM_Step)->ArgName("sequences")->Arg(1)->Arg(64)->Arg(256);

}  // namespace
}  // namespace baleen
