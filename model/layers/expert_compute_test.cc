#include "model/layers/expert_compute.h"

#include <algorithm>
#include <vector>

#include "base/values.h"
#include "gtest/gtest.h"
#include "tests/invariance/tiny_checkpoint.h"

namespace baleen {
namespace {

class ExpertComputeTest : public testing::TestWithParam<DType> {
 protected:
  void SetUp() override {
    const std::string directory = WriteTinyCheckpoint("expert_compute", {});
    auto config = ModelConfig::Load(directory);
    ASSERT_TRUE(config.ok()) << config.status();
    auto checkpoint = Checkpoint::Open(directory);
    ASSERT_TRUE(checkpoint.ok()) << checkpoint.status();
    std::vector<ExpertId> ids;
    for (int expert = 0; expert < 8; ++expert) ids.push_back({2, expert});
    auto weights = ExpertWeights::Load(**checkpoint, *config, ids, {GetParam(), BestIsa()});
    ASSERT_TRUE(weights.ok()) << weights.status();
    weights_ = *std::move(weights);
  }

  DType wire() const { return GetParam(); }
  int64_t row_bytes() const { return weights_->hidden() * static_cast<int64_t>(SizeOf(wire())); }

  std::vector<std::byte> Wire(const std::vector<float>& values) const {
    std::vector<std::byte> bytes(values.size() * SizeOf(wire()));
    ValuesToWire(values.data(), static_cast<int64_t>(values.size()), wire(), bytes.data());
    return bytes;
  }

  std::vector<float> Rows(int64_t count) const {
    std::vector<float> rows(count * weights_->hidden());
    for (size_t i = 0; i < rows.size(); ++i) rows[i] = Bf16ToF32(F32ToBf16(static_cast<float>((i * 37) % 101) / 50.0f - 1.0f));
    return rows;
  }

  std::unique_ptr<ExpertWeights> weights_;
};

TEST_P(ExpertComputeTest, EqualsOneRowAtATime) {
  const int64_t hidden = weights_->hidden();
  const std::vector<float> rows = Rows(5);
  const std::vector<std::byte> wire_rows = Wire(rows);
  const std::vector<int64_t> row_of = {0, 0, 0, 1, 3, 3, 4, 4, 4, 4};
  const std::vector<uint32_t> ids = {1, 4, 7, 4, 0, 4, 7, 6, 1, 4};  // In no order.
  std::vector<float> exact(ids.size() * hidden);
  for (size_t i = 0; i < ids.size(); ++i) {
    weights_->Apply({2, static_cast<int>(ids[i])}, &rows[row_of[i] * hidden], 1, &exact[i * hidden], nullptr);
  }
  const std::vector<std::byte> expected = Wire(exact);
  for (const int threads : {0, 1, 2}) {
    ThreadPool pool(std::max(threads, 1));
    std::vector<std::byte> out(ids.size() * row_bytes() + 1);
    std::vector<ExpertSlot> slots;
    // One byte in: messages align nothing.
    for (size_t i = 0; i < ids.size(); ++i) slots.push_back({ids[i], &wire_rows[row_of[i] * row_bytes()], &out[i * row_bytes() + 1]});
    ComputeExperts(*weights_, 2, slots, wire(), threads == 0 ? nullptr : &pool);
    EXPECT_TRUE(std::equal(expected.begin(), expected.end(), out.begin() + 1)) << threads << " threads";
  }
}

TEST_P(ExpertComputeTest, NoSlotsNoWork) { ComputeExperts(*weights_, 2, {}, wire(), nullptr); }

INSTANTIATE_TEST_SUITE_P(All, ExpertComputeTest, testing::Values(DType::kF32, DType::kBf16),
                         [](const testing::TestParamInfo<DType>& info) { return NameOf(info.param); });

}  // namespace
}  // namespace baleen
