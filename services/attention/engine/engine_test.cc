#include "services/attention/engine/engine.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <string>

#include "gtest/gtest.h"
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

class EngineTest : public testing::TestWithParam<int64_t> {
 protected:
  EngineTest()
      : model_({WriteTinyCheckpoint("engine", {}), {DType::kBf16, BestIsa()}, 1, GetParam()}),
        pool_(model_.engine().NewKvPool(4 * 64 * model_.engine().kv_shape().BytesPerToken())),
        kv_(*pool_),
        blocks_(*kv_.Allocate(2)) {}

  ModelFixture model_;
  const std::unique_ptr<BlockPool> pool_;
  BlockPool& kv_;
  std::vector<BlockId> blocks_;
  std::vector<float> logits_;
};

TEST_P(EngineTest, LogitsWhereWantedOnly) {
  const std::vector<int32_t> tokens = model_.Tokens(70, 1);
  ASSERT_TRUE(model_.engine().Step({{blocks_, 0, tokens, 70}}, kv_, model_.experts(), {}, &logits_).ok());
  ASSERT_EQ(logits_.size(), 70u * kTinyVocab);
  EXPECT_TRUE(std::all_of(logits_.begin(), logits_.end(), [](float value) { return std::isfinite(value); }));
  const std::vector<float> last(logits_.end() - kTinyVocab, logits_.end());
  ASSERT_TRUE(model_.engine().Step({{blocks_, 0, tokens, 1}}, kv_, model_.experts(), {}, &logits_).ok());
  EXPECT_EQ(logits_, last);
  ASSERT_TRUE(model_.engine().Step({{blocks_, 0, tokens, 0}}, kv_, model_.experts(), {}, &logits_).ok());
  EXPECT_TRUE(logits_.empty());
}

TEST_P(EngineTest, WritesItsOwnKvRowsOnly) {
  const std::vector<int32_t> tokens = model_.Tokens(3, 1);
  ASSERT_TRUE(model_.engine().Step({{blocks_, 10, tokens, 0}}, kv_, model_.experts(), {}, &logits_).ok());
  const int64_t row = kv_.shape().RowBytes();
  for (int64_t block = 0; block < kv_.total_blocks(); ++block) {
    for (int layer = 0; layer < kv_.shape().layers; ++layer) {
      const std::byte* page = kv_.Page(static_cast<BlockId>(block), layer);
      for (int64_t slot = 0; slot < 64; ++slot) {
        const bool zero = std::all_of(page + slot * row, page + (slot + 1) * row, [](std::byte b) { return b == std::byte{0}; });
        const bool own = block == blocks_[0] && slot >= 10 && slot < 13;
        ASSERT_EQ(zero, !own) << "block " << block << " layer " << layer << " slot " << slot;
      }
    }
  }
}

TEST_P(EngineTest, EmptyStepsAreFine) {
  logits_.assign(3, 1.0f);
  EXPECT_TRUE(model_.engine().Step({}, kv_, model_.experts(), {}, &logits_).ok());
  EXPECT_TRUE(logits_.empty());
  EXPECT_TRUE(model_.engine().Step({{blocks_, 5, {}, 0}}, kv_, model_.experts(), {}, &logits_).ok());
}

TEST_P(EngineTest, WrongStepsAreRefused) {
  const std::vector<int32_t> tokens = {kTinyVocab};
  EXPECT_EQ(model_.engine().Step({{blocks_, 0, tokens, 0}}, kv_, model_.experts(), {}, &logits_).code(),
            absl::StatusCode::kInvalidArgument);
  BlockPool other({1, 8, DType::kBf16}, 1 << 20);
  EXPECT_EQ(model_.engine().Step({}, other, model_.experts(), {}, &logits_).code(), absl::StatusCode::kInvalidArgument);
}

TEST_P(EngineTest, LayersAreAnnouncedAndRoutedInOrder) {
  const std::vector<int32_t> tokens = model_.Tokens(4, 1);
  std::vector<int> announced;
  StepOptions options;
  options.on_layer_kv = [&](int layer) {
    const std::byte* page = kv_.Page(blocks_[0], layer);
    const std::byte* last_row = page + 3 * kv_.shape().RowBytes();
    EXPECT_TRUE(std::any_of(last_row, last_row + kv_.shape().RowBytes(), [](std::byte b) { return b != std::byte{0}; }));
    announced.push_back(layer);
  };
  WatchedExperts experts(&model_.experts(), 0);
  ASSERT_TRUE(model_.engine().Step({{blocks_, 0, tokens, 1}}, kv_, experts, options, &logits_).ok());
  EXPECT_EQ(announced, (std::vector<int>{0, 1, 2}));
  EXPECT_EQ(experts.layers, GetParam() == 0 ? (std::vector<int>{1, 2}) : (std::vector<int>{1, 1, 2, 2}));
  EXPECT_EQ(experts.in_flight, 0);
  EXPECT_EQ(experts.in_flight_max, GetParam() == 0 ? 1 : 2);
}

TEST_P(EngineTest, FillingKvEndsWithTheLastLayersKv) {
  const std::vector<int32_t> tokens = model_.Tokens(5, 1);
  const absl::Span<const int32_t> prompt = absl::MakeConstSpan(tokens).first(4);
  const absl::Span<const int32_t> last = absl::MakeConstSpan(tokens).subspan(4);
  ASSERT_TRUE(model_.engine().Step({{blocks_, 0, tokens, 1}}, kv_, model_.experts(), {}, &logits_).ok());
  const std::vector<float> expected = logits_;
  std::vector<int> announced;
  const StepOptions options = {.deadline = absl::InfiniteFuture(), .on_layer_kv = [&](int layer) { announced.push_back(layer); }};
  WatchedExperts experts(&model_.experts(), 0);
  ASSERT_TRUE(model_.engine().Step({{blocks_, 0, prompt, 0}}, kv_, experts, options, &logits_).ok());
  EXPECT_EQ(announced, (std::vector<int>{0, 1, 2}));
  EXPECT_EQ(experts.layers, GetParam() == 0 ? (std::vector<int>{1}) : (std::vector<int>{1, 1}));
  EXPECT_EQ(experts.in_flight, 0);
  ASSERT_TRUE(model_.engine().Step({{blocks_, 4, last, 1}}, kv_, model_.experts(), {}, &logits_).ok());
  EXPECT_EQ(logits_, expected);
}

TEST_P(EngineTest, BackendErrorsComeBackAndLeaveNothingInFlight) {
  const std::vector<int32_t> tokens = model_.Tokens(4, 1);
  ASSERT_TRUE(model_.engine().Step({{blocks_, 0, tokens, 4}}, kv_, model_.experts(), {}, &logits_).ok());
  const std::vector<float> expected = logits_;
  for (const int fail_at : {1, 2}) {
    WatchedExperts experts(&model_.experts(), fail_at);
    const absl::Status status = model_.engine().Step({{blocks_, 0, tokens, 4}}, kv_, experts, {}, &logits_);
    EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable) << status;
    EXPECT_EQ(experts.in_flight, 0);
  }
  ASSERT_TRUE(model_.engine().Step({{blocks_, 0, tokens, 4}}, kv_, model_.experts(), {}, &logits_).ok());
  EXPECT_EQ(logits_, expected);
}

INSTANTIATE_TEST_SUITE_P(PingPongRows, EngineTest, testing::Values(0, 2));

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
