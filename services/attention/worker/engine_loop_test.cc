// The step loop over the real network and the shipped checkpoint: a request's tokens depend on nothing but the request.
#include <prometheus/registry.h>

#include <condition_variable>
#include <mutex>
#include <optional>

#include "absl/strings/str_cat.h"
#include "base/clock.h"
#include "gtest/gtest.h"
#include "kernels/cuda/base/device.h"
#include "model/weights/expert_weights.h"
#include "services/attention/engine/engine.h"
#include "services/attention/engine/local_experts.h"
#include "services/attention/loaded_model.h"
#include "services/attention/probe.h"
#include "services/attention/worker/engine_runner.h"
#include "services/attention/worker/step_loop.h"

namespace baleen {
namespace {

constexpr char kModel[] = "checkpoints/abacus";

class Collector final : public SequenceObserver {
 public:
  void OnToken(int64_t index, const SampledToken& token) override { tokens_.push_back(token.token); }
  void OnFinished(const absl::Status& status, StopReason reason) override {
    const std::lock_guard lock(mu_);
    status_ = status;
    cv_.notify_all();
  }
  std::vector<int32_t> Wait() {
    std::unique_lock lock(mu_);
    cv_.wait(lock, [this] { return status_.has_value(); });
    EXPECT_TRUE(status_->ok()) << *status_;
    return tokens_;
  }

 private:
  std::mutex mu_;
  std::condition_variable cv_;
  std::vector<int32_t> tokens_;
  std::optional<absl::Status> status_;
};

struct LoopCase {
  const char* name;
  const char* dtype;
  bool gpu;  // Or its emulation, in a build without CUDA.
};

class EngineLoopTest : public testing::TestWithParam<LoopCase> {
 protected:
  static constexpr int64_t kMaxTokens = 40;

  void SetUp() override {
    const std::string problem = cuda::DeviceProblem();
    if (GetParam().gpu && !problem.empty()) GTEST_SKIP() << problem;
    Load(false);
  }

  void Load(bool mtp) {
    const Device gpu = cuda::DeviceIsEmulated() ? Device::kCudaEmulated : Device::kCuda;
    auto model = LoadModel({.directory = kModel,
                            .device = GetParam().gpu ? gpu : Device::kCpu,
                            .dtype = GetParam().dtype,
                            .threads = 2,
                            .mtp = mtp,
                            .mtp_experts = mtp});
    ASSERT_TRUE(model.ok()) << model.status();
    model_ = *std::move(model);
    const std::vector<ExpertId> ids = RoutedExperts(model_->config, 0, model_->config.num_hidden_layers);
    const Numerics on_cpu = {.compute = model_->numerics.compute, .isa = model_->numerics.isa};
    auto weights = ExpertWeights::Load(*model_->checkpoint, model_->config, ids, on_cpu);
    ASSERT_TRUE(weights.ok()) << weights.status();
    weights_ = *std::move(weights);
    experts_ = std::make_unique<LocalExperts>(weights_.get(), model_->pool.get());
    runner_ = std::make_unique<EngineRunner>(model_->engine.get(), experts_.get(), model_->mtp_experts.get());
    pool_ = model_->engine->NewKvPool(int64_t{16} << 20);
  }

  std::unique_ptr<StepLoop> MakeLoop(int64_t max_batch_tokens, int64_t prefill_chunk, bool prefix_cache = false) {
    StepLoopOptions options;
    options.limits = {.max_batch_tokens = max_batch_tokens,
                      .prefill_chunk = prefill_chunk,
                      .max_running = max_batch_tokens / 2,
                      .prefix_cache = prefix_cache};
    options.tokenizer_size = model_->limits.tokenizer_size;
    return std::make_unique<StepLoop>(options, runner_.get(), pool_.get(), nullptr, &probe_, Clock::Real());
  }

  std::shared_ptr<Collector> Submit(StepLoop& loop, int32_t seed, const std::vector<int32_t>& generated = {}) {
    SequenceRequest request;
    request.key = absl::StrCat("r", ++requests_);
    for (int32_t i = 0; i < 20 + 30 * seed; ++i) request.tokens.push_back(2 + (seed * 37 + i * 11) % 200);
    request.prompt_tokens = static_cast<int64_t>(request.tokens.size());
    request.tokens.insert(request.tokens.end(), generated.begin(), generated.end());
    request.sampler.temperature = seed % 2 == 0 ? 0.0f : 1.0f;
    request.sampler.seed = static_cast<uint64_t>(seed);
    request.stop.max_tokens = kMaxTokens;
    request.stop.max_positions = model_->limits.max_positions;
    auto collector = std::make_shared<Collector>();
    request.observer = collector;
    EXPECT_TRUE(loop.Submit(std::move(request)).ok());
    return collector;
  }

  double CounterValue(const std::string& name) {
    for (const prometheus::MetricFamily& family : registry_.Collect()) {
      if (family.name == name) return family.metric.at(0).counter.value;
    }
    return -1;
  }

  prometheus::Registry registry_;
  AttentionProbe probe_{registry_};
  std::unique_ptr<LoadedModel> model_;
  std::unique_ptr<ExpertWeights> weights_;
  std::unique_ptr<LocalExperts> experts_;
  std::unique_ptr<EngineRunner> runner_;
  std::unique_ptr<BlockPool> pool_;
  int requests_ = 0;
};

TEST_P(EngineLoopTest, BatchChunkResumeCacheAndPreemptionChangeNoToken) {
  constexpr int32_t kSequences = 5;
  std::vector<std::vector<int32_t>> alone;
  {
    auto loop = MakeLoop(512, 512);
    for (int32_t seed = 0; seed < kSequences; ++seed) alone.push_back(Submit(*loop, seed)->Wait());
  }
  for (const bool small_pool_and_cache : {false, true}) {
    if (small_pool_and_cache) pool_ = model_->engine->NewKvPool(6 * pool_->shape().BlockBytes());
    auto loop = MakeLoop(24, 7, small_pool_and_cache);
    std::vector<std::shared_ptr<Collector>> together;
    std::vector<std::shared_ptr<Collector>> resumed;
    for (int32_t seed = 0; seed < kSequences; ++seed) {
      const std::vector<int32_t>& whole = alone[static_cast<size_t>(seed)];
      ASSERT_EQ(whole.size(), static_cast<size_t>(kMaxTokens));
      together.push_back(Submit(*loop, seed));
      resumed.push_back(Submit(*loop, seed, {whole.begin(), whole.begin() + 17}));
    }
    for (size_t seed = 0; seed < kSequences; ++seed) {
      EXPECT_EQ(together[seed]->Wait(), alone[seed]);
      EXPECT_EQ(resumed[seed]->Wait(), std::vector<int32_t>(alone[seed].begin() + 17, alone[seed].end()));
    }
    EXPECT_TRUE(loop->WaitIdle(absl::Seconds(5)));
    EXPECT_EQ(pool_->free_blocks(), pool_->total_blocks());
  }
}

TEST_P(EngineLoopTest, DraftsOfTheMtpLayerChangeNoToken) {
  constexpr int32_t kSequences = 4;
  std::vector<std::vector<int32_t>> plain;
  {
    auto loop = MakeLoop(512, 512);
    for (int32_t seed = 0; seed < kSequences; ++seed) plain.push_back(Submit(*loop, seed)->Wait());
  }
  Load(true);
  EXPECT_EQ(pool_->shape().layers, model_->config.num_hidden_layers + 1);
  for (const bool small_pool_and_cache : {false, true}) {
    if (small_pool_and_cache) pool_ = model_->engine->NewKvPool(6 * pool_->shape().BlockBytes());
    auto loop = MakeLoop(24, 7, small_pool_and_cache);
    std::vector<std::shared_ptr<Collector>> drafted;
    for (int32_t seed = 0; seed < kSequences; ++seed) drafted.push_back(Submit(*loop, seed));
    for (size_t seed = 0; seed < kSequences; ++seed) EXPECT_EQ(drafted[seed]->Wait(), plain[seed]);
    EXPECT_TRUE(loop->WaitIdle(absl::Seconds(5)));
    EXPECT_EQ(pool_->free_blocks(), pool_->total_blocks());
  }
  EXPECT_GT(CounterValue("baleen_spec_decode_num_accepted_tokens_total"), 0);
  EXPECT_GT(CounterValue("baleen_spec_decode_num_draft_tokens_total"), CounterValue("baleen_spec_decode_num_accepted_tokens_total"));
}

INSTANTIATE_TEST_SUITE_P(Engines, EngineLoopTest,
                         testing::Values(LoopCase{"bf16", "bf16", false}, LoopCase{"f32", "f32", false}, LoopCase{"gpu", "bf16", true}),
                         [](const testing::TestParamInfo<LoopCase>& info) { return info.param.name; });

}  // namespace
}  // namespace baleen
