#include "services/attention/engine/engine.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <string>

#include "gtest/gtest.h"
#include "kernels/cuda/base/device.h"
#include "model/sampling/plain_choice.h"
#include "model/sampling/sampler.h"
#include "services/attention/engine/load_engine.h"
#include "tests/invariance/model_fixture.h"
#include "tests/invariance/tiny_checkpoint.h"

namespace baleen {
namespace {

// Counts batches, checks their form, fails at the chosen one.
class WatchedExperts final : public ExpertBackend {
 public:
  WatchedExperts(ExpertBackend* inner, int fail_at) : inner_(inner), fail_at_(fail_at) {}

  std::unique_ptr<PendingExperts> Dispatch(const ExpertBatch& batch) override {
    for (int64_t i = 0; i < batch.rows * batch.top_k; ++i) {
      EXPECT_TRUE(i % batch.top_k == 0 || batch.expert_ids[i - 1] < batch.expert_ids[i]);
    }
    EXPECT_EQ(batch.wire, DType::kBf16);
    layers.push_back(batch.layer);
    ++in_flight;
    auto inner = inner_->Dispatch(batch);
    return std::make_unique<Pending>(this, std::move(inner), static_cast<int>(layers.size()) == fail_at_);
  }

  std::vector<int> layers;
  int in_flight = 0;
  int in_flight_max = 0;

 private:
  class Pending final : public PendingExperts {
   public:
    Pending(WatchedExperts* owner, std::unique_ptr<PendingExperts> inner, bool fail)
        : owner_(owner), inner_(std::move(inner)), fail_(fail) {}
    absl::Status Wait() override {
      owner_->in_flight_max = std::max(owner_->in_flight_max, owner_->in_flight);
      --owner_->in_flight;
      const absl::Status status = inner_->Wait();
      return fail_ ? absl::UnavailableError("layer 1 expert 3 has no replica") : status;
    }

   private:
    WatchedExperts* owner_;
    std::unique_ptr<PendingExperts> inner_;
    bool fail_;
  };

  ExpertBackend* inner_;
  int fail_at_;
};

struct EngineCase {
  const char* name;
  int64_t ping_pong_rows;
  int gpus;
};

class EngineTest : public testing::TestWithParam<EngineCase> {
 protected:
  void SetUp() override {
    const std::string problem = cuda::DeviceProblem();
    if (GetParam().gpus > 0 && !problem.empty()) GTEST_SKIP() << problem;
    if (GetParam().gpus > cuda::DeviceCount()) GTEST_SKIP() << GetParam().gpus << " GPUs wanted";
    Numerics numerics = {DType::kBf16, BestIsa()};
    if (GetParam().gpus > 0) numerics.device = cuda::DeviceIsEmulated() ? Device::kCudaEmulated : Device::kCuda;
    model_ = std::make_unique<ModelFixture>(ModelOptions{.directory = WriteTinyCheckpoint("engine", TinyOptions::ForGpu()),
                                                         .numerics = numerics,
                                                         .ping_pong_rows = GetParam().ping_pong_rows,
                                                         .host_experts = true,
                                                         .tensor_parallel = std::max(GetParam().gpus, 1)});
    kv_ = model_->engine().NewKvPool(4 * model_->engine().kv_shape().BlockBytes());
    blocks_ = *kv_->Allocate(2);
  }

  bool ping_pong() const { return GetParam().ping_pong_rows > 0; }
  absl::Status Step(absl::Span<const SequenceStep> steps) { return model_->engine().Step(steps, *kv_, model_->experts(), {}, &logits_); }
  absl::Status Step(absl::Span<const SequenceStep> steps, ExpertBackend& experts, const StepOptions& options = {}) {
    return model_->engine().Step(steps, *kv_, experts, options, &logits_);
  }
  // A row of a layer's page.
  std::vector<std::byte> Row(BlockId block, int layer, int64_t slot) {
    std::vector<std::byte> row(static_cast<size_t>(kv_->shape().RowBytes()));
    kv_->memory().Read({{kv_->Page(block, layer) + slot * kv_->shape().RowBytes(), row.data(), row.size()}});
    return row;
  }
  bool IsZero(BlockId block, int layer, int64_t slot) {
    const std::vector<std::byte> row = Row(block, layer, slot);
    return std::all_of(row.begin(), row.end(), [](std::byte b) { return b == std::byte{0}; });
  }

  std::unique_ptr<ModelFixture> model_;
  std::unique_ptr<BlockPool> kv_;
  std::vector<BlockId> blocks_;
  std::vector<float> logits_;
};

TEST_P(EngineTest, LogitsWhereWantedOnly) {
  const std::vector<int32_t> tokens = model_->Tokens(70, 1);
  ASSERT_TRUE(Step({{blocks_, 0, tokens, 70}}).ok());
  ASSERT_EQ(logits_.size(), 70u * kTinyVocab);
  EXPECT_TRUE(std::all_of(logits_.begin(), logits_.end(), [](float value) { return std::isfinite(value); }));
  const std::vector<float> last(logits_.end() - kTinyVocab, logits_.end());
  const std::vector<float> two(logits_.end() - 2 * kTinyVocab, logits_.end());
  ASSERT_TRUE(Step({{blocks_, 0, tokens, 1}}).ok());
  EXPECT_EQ(logits_, last);
  ASSERT_TRUE(Step({{blocks_, 0, tokens, 2}}).ok());
  EXPECT_EQ(logits_, two);
  ASSERT_TRUE(Step({{blocks_, 0, tokens, 0}}).ok());
  EXPECT_TRUE(logits_.empty());
}

// For every other row, some with banned ids.
TokenChoices EveryOther(size_t rows, const std::vector<int32_t>& banned) {
  TokenChoices choices;
  choices.ids = kTinyVocab - 3;
  for (size_t row = 0; row < rows; ++row) {
    SamplerParams params;
    params.temperature = row % 4 == 0 ? 0.0f : 0.8f;
    params.top_p = row % 3 == 0 ? 0.9f : 1.0f;
    params.seed = 7;
    params.logprobs = row % 2 == 0 ? -1 : 0;
    choices.wanted.push_back(
        PlainChoiceOf(params, row % 5 == 0 ? absl::MakeConstSpan(banned) : absl::Span<const int32_t>(), static_cast<int64_t>(row)));
  }
  return choices;
}

TEST_P(EngineTest, ChoosesTheSamplersTokensWhereItMay) {
  const std::vector<int32_t> tokens = model_->Tokens(70, 1);
  for (const int64_t rows : {int64_t{70}, int64_t{1}, int64_t{1}, int64_t{1}}) {  // A single row's step is recorded, then replayed.
    const SequenceStep step = {blocks_, 70 - rows, absl::MakeConstSpan(tokens).last(static_cast<size_t>(rows)), rows};
    ASSERT_TRUE(Step({step}).ok());
    const std::vector<float> all = logits_;
    const auto row_of = [&](size_t row) { return absl::MakeConstSpan(all).subspan(row * kTinyVocab, kTinyVocab); };
    const std::vector<int32_t> banned = {Sample({}, row_of(0), kTinyVocab - 3, {}, 0).token};
    TokenChoices choices = EveryOther(static_cast<size_t>(rows), banned);
    StepOptions options;
    options.choices = &choices;
    ASSERT_TRUE(Step({step}, model_->experts(), options).ok());
    EXPECT_EQ(choices.tokens.size(), GetParam().gpus > 0 ? static_cast<size_t>(rows) : 0);
    for (size_t row = 0; row < static_cast<size_t>(rows); ++row) {
      if (!choices.Chose(row)) {
        EXPECT_EQ(absl::MakeConstSpan(logits_).subspan(row * kTinyVocab, kTinyVocab), row_of(row)) << row;
        continue;
      }
      const PlainChoice& choice = *choices.wanted[row];
      SamplerParams params;
      params.temperature = choice.temperature;
      params.top_p = choice.top_p;
      params.seed = 7;
      EXPECT_EQ(choices.tokens[row], Sample(params, row_of(row), choices.ids, choice.banned, static_cast<int64_t>(row)).token) << row;
    }
  }
}

TEST_P(EngineTest, WritesItsOwnKvRowsOnly) {
  const std::vector<int32_t> tokens = model_->Tokens(3, 1);
  ASSERT_TRUE(Step({{blocks_, 10, tokens, 0}}).ok());
  for (int64_t block = 0; block < kv_->total_blocks(); ++block) {
    for (int layer = 0; layer < kv_->shape().layers; ++layer) {
      for (int64_t slot = 0; slot < 64; ++slot) {
        const bool own = block == blocks_[0] && slot >= 10 && slot < 13;
        ASSERT_EQ(IsZero(static_cast<BlockId>(block), layer, slot), !own) << "block " << block << " layer " << layer << " slot " << slot;
      }
    }
  }
}

TEST_P(EngineTest, EmptyStepsAreFine) {
  logits_.assign(3, 1.0f);
  EXPECT_TRUE(Step({}).ok());
  EXPECT_TRUE(logits_.empty());
  EXPECT_TRUE(Step({{blocks_, 5, {}, 0}}).ok());
}

TEST_P(EngineTest, WrongStepsAreRefused) {
  const std::vector<int32_t> tokens = {kTinyVocab};
  EXPECT_EQ(Step({{blocks_, 0, tokens, 0}}).code(), absl::StatusCode::kInvalidArgument);
  BlockPool other({1, 8, DType::kBf16}, 1 << 20);
  EXPECT_EQ(model_->engine().Step({}, other, model_->experts(), {}, &logits_).code(), absl::StatusCode::kInvalidArgument);
  if (GetParam().gpus == 0) return;
  TokenChoices no_row;
  StepOptions options;
  options.choices = &no_row;
  const std::vector<int32_t> fine = model_->Tokens(2, 1);
  EXPECT_EQ(Step({{blocks_, 0, fine, 2}}, model_->experts(), options).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_TRUE(Step({{blocks_, 0, fine, 2}}).ok());
}

TEST_P(EngineTest, LayersAreAnnouncedAndRoutedInOrder) {
  const std::vector<int32_t> tokens = model_->Tokens(4, 1);
  std::vector<int> announced;
  StepOptions options;
  options.on_layer_kv = [&](int layer) {
    EXPECT_FALSE(IsZero(blocks_[0], layer, 3));
    announced.push_back(layer);
  };
  WatchedExperts experts(&model_->experts(), 0);
  ASSERT_TRUE(Step({{blocks_, 0, tokens, 1}}, experts, options).ok());
  EXPECT_EQ(announced, (std::vector<int>{0, 1, 2}));
  EXPECT_EQ(experts.layers, !ping_pong() ? (std::vector<int>{1, 2}) : (std::vector<int>{1, 1, 2, 2}));
  EXPECT_EQ(experts.in_flight, 0);
  EXPECT_EQ(experts.in_flight_max, !ping_pong() ? 1 : 2);
}

TEST_P(EngineTest, FillingKvEndsWithTheLastLayersKv) {
  const std::vector<int32_t> tokens = model_->Tokens(5, 1);
  const absl::Span<const int32_t> prompt = absl::MakeConstSpan(tokens).first(4);
  const absl::Span<const int32_t> last = absl::MakeConstSpan(tokens).subspan(4);
  ASSERT_TRUE(Step({{blocks_, 0, tokens, 1}}).ok());
  const std::vector<float> expected = logits_;
  std::vector<int> announced;
  const StepOptions options = {.deadline = absl::InfiniteFuture(), .on_layer_kv = [&](int layer) { announced.push_back(layer); }};
  WatchedExperts experts(&model_->experts(), 0);
  ASSERT_TRUE(Step({{blocks_, 0, prompt, 0}}, experts, options).ok());
  EXPECT_EQ(announced, (std::vector<int>{0, 1, 2}));
  EXPECT_EQ(experts.layers, !ping_pong() ? (std::vector<int>{1}) : (std::vector<int>{1, 1}));
  EXPECT_EQ(experts.in_flight, 0);
  ASSERT_TRUE(Step({{blocks_, 4, last, 1}}).ok());
  EXPECT_EQ(logits_, expected);
}

TEST_P(EngineTest, BackendErrorsComeBackAndLeaveNothingInFlight) {
  const std::vector<int32_t> tokens = model_->Tokens(4, 1);
  ASSERT_TRUE(Step({{blocks_, 0, tokens, 4}}).ok());
  const std::vector<float> expected = logits_;
  for (const int fail_at : {1, 2}) {
    WatchedExperts experts(&model_->experts(), fail_at);
    const absl::Status status = Step({{blocks_, 0, tokens, 4}}, experts);
    EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable) << status;
    EXPECT_EQ(experts.in_flight, 0);
  }
  ASSERT_TRUE(Step({{blocks_, 0, tokens, 4}}).ok());
  EXPECT_EQ(logits_, expected);
}

INSTANTIATE_TEST_SUITE_P(Engines, EngineTest,
                         testing::Values(EngineCase{"cpu", 0, 0}, EngineCase{"cpu_ping_pong", 2, 0}, EngineCase{"gpu", 0, 1},
                                         EngineCase{"two_gpus", 0, 2}),
                         [](const testing::TestParamInfo<EngineCase>& info) { return info.param.name; });

TEST(EngineLoadTest, GpusNameSizesThatTheyDoNotTake) {
  if (!cuda::DeviceIsEmulated()) GTEST_SKIP() << "the emulation's";
  const auto load = [](const TinyOptions& tiny, Numerics numerics) {
    const std::string directory = WriteTinyCheckpoint("engine_sizes", tiny);
    const auto config = ModelConfig::Load(directory);
    const auto checkpoint = Checkpoint::Open(directory);
    ThreadPool pool(1);
    return LoadEngine(**checkpoint, *config, {.numerics = numerics}, &pool).status();
  };
  const Numerics emulated = {DType::kBf16, BestIsa(), Device::kCudaEmulated};
  EXPECT_EQ(load({}, emulated).message(), "kv_lora_rank is 40; on a GPU it must be a multiple of 64");
  const absl::Status no_cuda = load(TinyOptions::ForGpu(), {DType::kBf16, BestIsa(), Device::kCuda});
  EXPECT_EQ(no_cuda.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(no_cuda.message(), "this build has no CUDA ('make build CUDA=1' makes one that has)");
}

TEST(EngineLoadTest, HalfSplitRopeIsTheSameNetwork) {
  TinyOptions half_split;
  half_split.rope_interleave = false;
  for (const bool q_lora : {true, false}) {
    TinyOptions interleaved;
    interleaved.q_lora = half_split.q_lora = q_lora;
    ModelFixture a({WriteTinyCheckpoint("interleaved", interleaved), {DType::kF32, BestIsa()}});
    ModelFixture b({WriteTinyCheckpoint("half_split", half_split), {DType::kF32, BestIsa()}});
    const std::vector<std::vector<int32_t>> tokens = {a.Tokens(20, 5)};
    EXPECT_TRUE(a.Run(tokens, 20) == b.Run(tokens, 20));
  }
}

TEST(EngineLoadTest, NeedsRoomForARow) {
  const std::string directory = WriteTinyCheckpoint("engine_rows", {});
  const auto config = ModelConfig::Load(directory);
  const auto checkpoint = Checkpoint::Open(directory);
  ASSERT_TRUE(config.ok() && checkpoint.ok());
  ThreadPool pool(1);
  EXPECT_EQ(LoadEngine(**checkpoint, *config, {{DType::kF32, BestIsa()}, 0}, &pool).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(LocalExpertsTest, MissingExpertsAreNamed) {
  const std::string directory = WriteTinyCheckpoint("local_experts", {});
  const auto config = ModelConfig::Load(directory);
  const auto checkpoint = Checkpoint::Open(directory);
  ASSERT_TRUE(config.ok() && checkpoint.ok());
  const auto weights = ExpertWeights::Load(**checkpoint, *config, {{1, 2}}, {DType::kF32, BestIsa()});
  ASSERT_TRUE(weights.ok()) << weights.status();
  ThreadPool pool(1);
  LocalExperts experts(weights->get(), &pool);
  std::vector<std::byte> input(4 * config->hidden_size), room(2 * input.size());
  const std::byte* outputs[2] = {};
  const std::vector<int32_t> ids = {2, 3};
  ExpertBatch batch{.layer = 1,
                    .rows = 1,
                    .hidden = config->hidden_size,
                    .top_k = 2,
                    .wire = DType::kF32,
                    .input = input.data(),
                    .expert_ids = ids.data(),
                    .outputs = outputs,
                    .room = room.data()};
  const absl::Status status = experts.Dispatch(batch)->Wait();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_NE(status.message().find("layer 1 expert 3"), absl::string_view::npos) << status;
  batch.top_k = 1;
  EXPECT_TRUE(experts.Dispatch(batch)->Wait().ok());
  EXPECT_EQ(outputs[0], room.data());
  batch.hidden -= 1;
  EXPECT_EQ(experts.Dispatch(batch)->Wait().code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace baleen
