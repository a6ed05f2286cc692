// Tokens per second of one sequence with drafts against without, experts in this process, on the checkpoint that ships.
#include <prometheus/registry.h>

#include <algorithm>
#include <condition_variable>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/clock.h"
#include "base/private_text.h"
#include "benchmark/benchmark.h"
#include "model/tokenizer/chat_template.h"
#include "model/tokenizer/tokenizer.h"
#include "services/attention/probe.h"
#include "services/attention/worker/engine_runner.h"
#include "services/attention/worker/step_loop.h"
#include "tests/invariance/model_fixture.h"

namespace baleen {
namespace {

constexpr char kModel[] = "checkpoints/abacus";
const char* const kQuestions[] = {"What is 4821 + 1397?", "What is 37 * 48?", "Sort 5, 3, 99, 12.", "How many r are in strawberry?"};

class EndSignal final : public SequenceObserver {
 public:
  void OnToken(int64_t index, const SampledToken& token) override { ++tokens_; }
  void OnFinished(const absl::Status& status, StopReason reason) override {
    const std::lock_guard lock(mu_);
    ended_ = true;
    cv_.notify_all();
  }
  int64_t WaitForTokens() {
    std::unique_lock lock(mu_);
    cv_.wait(lock, [this] { return ended_; });
    return tokens_;
  }

 private:
  std::mutex mu_;
  std::condition_variable cv_;
  int64_t tokens_ = 0;
  bool ended_ = false;
};

std::vector<std::vector<int32_t>> Prompts() {
  const auto tokenizer = Tokenizer::Load(kModel);
  const auto kind = DetectChatTemplate(kModel);
  if (!tokenizer.ok() || !kind.ok()) std::abort();
  std::vector<std::vector<int32_t>> prompts;
  for (const char* question : kQuestions) {
    const auto chat = RenderChat(*kind, {{.role = "user", .content = PrivateText(question)}}, absl::nullopt, **tokenizer);
    if (!chat.ok()) std::abort();
    prompts.push_back(chat->ids);
  }
  return prompts;
}

// Answers the questions, one sequence at a time.
class Answerer {
 public:
  Answerer(bool mtp, int threads)
      : model_({.directory = kModel, .numerics = {DType::kBf16, BestIsa()}, .threads = threads, .mtp = mtp}),
        probe_(registry_),
        pool_(model_.engine().kv_shape(), int64_t{16} << 20),
        runner_(&model_.engine(), &model_.experts()) {
    StepLoopOptions options;
    options.tokenizer_size = model_.config().vocab_size;
    options.limits.prefix_cache = false;
    loop_ = std::make_unique<StepLoop>(options, &runner_, &pool_, nullptr, &probe_, Clock::Real());
  }

  // Tokens per second.
  double Run(const std::vector<std::vector<int32_t>>& prompts, float temperature) {
    const absl::Time start = Clock::Real()->Now();
    int64_t tokens = 0;
    for (const std::vector<int32_t>& prompt : prompts) {
      SequenceRequest request;
      request.key = absl::StrCat(++requests_);
      request.tokens = prompt;
      request.prompt_tokens = static_cast<int64_t>(prompt.size());
      request.sampler.temperature = temperature;
      request.stop = {.max_tokens = 200, .min_tokens = 0, .stop_ids = {1}, .max_positions = model_.config().max_position_embeddings};
      auto end = std::make_shared<EndSignal>();
      request.observer = end;
      if (!loop_->Submit(std::move(request)).ok()) std::abort();
      tokens += end->WaitForTokens();
    }
    return static_cast<double>(tokens) / absl::ToDoubleSeconds(Clock::Real()->Now() - start);
  }

  double Counter(const std::string& name) const {
    for (const prometheus::MetricFamily& family : registry_.Collect()) {
      if (family.name == name) return family.metric.at(0).counter.value;
    }
    return 0;
  }

 private:
  ModelFixture model_;
  prometheus::Registry registry_;
  AttentionProbe probe_;
  BlockPool pool_;
  EngineRunner runner_;
  std::unique_ptr<StepLoop> loop_;
  int64_t requests_ = 0;
};

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

// One iteration is a pair, off and on, in turns first. `gain` is the median of the pairs' ratios.
void BM_MtpGain(benchmark::State& state) {
  const float temperature = static_cast<float>(state.range(0)) / 10.0f;
  const int threads = static_cast<int>(state.range(1));
  Answerer plain(false, threads);
  Answerer drafting(true, threads);
  const std::vector<std::vector<int32_t>> prompts = Prompts();
  std::vector<double> gains, off, on;
  for (auto _ : state) {
    const bool plain_first = gains.size() % 2 == 0;
    if (plain_first) off.push_back(plain.Run(prompts, temperature));
    on.push_back(drafting.Run(prompts, temperature));
    if (!plain_first) off.push_back(plain.Run(prompts, temperature));
    gains.push_back(on.back() / off.back());
  }
  state.counters["off_tokens_per_s"] = Median(off);
  state.counters["on_tokens_per_s"] = Median(on);
  state.counters["gain"] = Median(gains);
  state.counters["gain_min"] = *std::min_element(gains.begin(), gains.end());
  state.counters["gain_max"] = *std::max_element(gains.begin(), gains.end());
  state.counters["acceptance"] =
      drafting.Counter("baleen_spec_decode_num_accepted_tokens_total") / drafting.Counter("baleen_spec_decode_num_draft_tokens_total");
}
BENCHMARK(BM_MtpGain)->ArgNames({"temperature_tenths", "threads"})->ArgsProduct({{0, 6}, {1, 2}})->Iterations(15)->UseRealTime();

}  // namespace
}  // namespace baleen
