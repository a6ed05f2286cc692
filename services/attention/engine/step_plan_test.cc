#include "services/attention/engine/step_plan.h"

#include <functional>
#include <string>

#include "gtest/gtest.h"

namespace baleen {
namespace {

constexpr KvShape kShape = {1, 4, DType::kF32};

class StepPlanTest : public testing::Test {
 protected:
  StepPlanTest() : kv_(kShape, 6 * kShape.BlockBytes()) {
    config_.vocab_size = 100;
    config_.max_position_embeddings = 200;
  }

  absl::Status Build(const std::vector<SequenceStep>& steps) { return plan_.Build(steps, config_, kShape, 8, kv_); }

  ModelConfig config_;
  BlockPool kv_;
  StepPlan plan_;
};

TEST_F(StepPlanTest, LaysRowsOutInStepOrder) {
  const std::vector<BlockId> first = {5, 3}, second = {0, 1, 2};
  const std::vector<int32_t> two = {7, 8}, one = {9};
  ASSERT_TRUE(Build({{first, 63, two, 1}, {second, 0, one, 0}, {second, 1, {}, 0}, {second, 1, one, 1}}).ok());
  EXPECT_EQ(plan_.rows(), 4);
  EXPECT_EQ(plan_.tokens(), (std::vector<int32_t>{7, 8, 9, 9}));
  EXPECT_EQ(plan_.positions(), (std::vector<int64_t>{63, 64, 0, 1}));
  EXPECT_EQ(plan_.logits_rows(), (std::vector<int64_t>{1, 3}));
  // Only the blocks up to a sequence's last position matter.
  EXPECT_EQ(plan_.blocks(), (std::vector<BlockId>{5, 3, 0, 0}));
  EXPECT_EQ(plan_.first_block(), (std::vector<int64_t>{0, 0, 2, 3}));
  EXPECT_EQ(plan_.BlockOf(0), 5);
  EXPECT_EQ(plan_.SlotOf(0), 63);
  EXPECT_EQ(plan_.BlockOf(1), 3);
  EXPECT_EQ(plan_.SlotOf(1), 0);
}

TEST_F(StepPlanTest, IsReusable) {
  const std::vector<BlockId> blocks = {0};
  const std::vector<int32_t> tokens = {1, 2, 3};
  ASSERT_TRUE(Build({{blocks, 0, tokens, 3}}).ok());
  ASSERT_TRUE(Build({}).ok());
  EXPECT_EQ(plan_.rows(), 0);
  EXPECT_TRUE(plan_.logits_rows().empty());
  EXPECT_TRUE(plan_.blocks().empty());
}

TEST_F(StepPlanTest, SaysWhatIsWrong) {
  const std::vector<BlockId> blocks = {0, 1, 2, 3}, foreign = {6}, negative = {-1};
  const std::vector<int32_t> tokens = {1, 2}, too_large = {1, 100}, below_zero = {-1}, nine(9, 1);
  const struct {
    SequenceStep step;
    const char* message;
  } cases[] = {
      {{blocks, 199, tokens, 0}, "max_position_embeddings"},
      {{blocks, -1, tokens, 0}, "outside 0 .. 199"},
      {{blocks, int64_t{1} << 62, tokens, 0}, "max_position_embeddings"},
      {{blocks, 0, too_large, 0}, "a token id is outside 0 .. 99"},
      {{blocks, 0, below_zero, 0}, "a token id is outside 0 .. 99"},
      {{blocks, 0, tokens, 3}, "logits of 3 tokens wanted, it has 2"},
      {{blocks, 0, tokens, -1}, "logits of -1 tokens wanted"},
      {{absl::MakeConstSpan(blocks).first(1), 63, tokens, 0}, "its blocks cover 64 positions of 65"},
      {{foreign, 0, tokens, 0}, "block 6 is not in the pool"},
      {{negative, 0, tokens, 0}, "block -1 is not in the pool"},
      {{blocks, 0, nine, 0}, "a step of 9 tokens; the limit is 8"},
  };
  for (const auto& test : cases) {
    const absl::Status status = Build({test.step});
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_NE(status.message().find(test.message), absl::string_view::npos) << status;
    EXPECT_EQ(plan_.rows(), 0);
  }
  EXPECT_EQ(plan_.Build({}, config_, {2, 4, DType::kF32}, 8, kv_).code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace baleen
