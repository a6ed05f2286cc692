#include "services/expert/merger.h"

#include <gtest/gtest.h>

#include <random>

#include "base/values.h"

namespace baleen {
namespace {

constexpr int64_t kHidden = 6;

class FakeExperts final : public HeldExperts {
 public:
  size_t size() const override { return 8; }
  bool Has(int, uint32_t) const override { return true; }
  absl::Status Compute(int layer, absl::Span<const ExpertSlot> slots) const override {
    ++computed;
    for (const ExpertSlot& slot : slots) {
      float row[kHidden];
      ValuesFromWire(slot.input, kHidden, DType::kBf16, row);
      for (float& x : row) x = x * static_cast<float>(slot.expert + 1) + static_cast<float>(layer);
      ValuesToWire(row, kHidden, DType::kBf16, slot.output);
    }
    return result;
  }

  mutable int computed = 0;
  absl::Status result;
};

ExpertCall MakeCall(std::mt19937& random, uint64_t id) {
  ExpertCall call;
  call.call_id = id;
  call.layer = 4;
  call.rows = 1 + random() % 5;
  std::vector<uint16_t> input;
  for (int64_t row = 0; row < call.rows; ++row) {
    call.experts_per_row.push_back(1 + random() % 3);
    for (uint32_t k = 0; k < call.experts_per_row.back(); ++k) call.expert_ids.push_back(random() % 8);
    for (int64_t j = 0; j < kHidden; ++j) input.push_back(F32ToBf16(static_cast<float>(random() % 100) / 7));
  }
  call.input = Payload::Own(std::move(input));
  return call;
}

TEST(MergerTest, MergedRepliesEqualSingleOnes) {
  std::mt19937 random(3);
  for (int round = 0; round < 30; ++round) {
    std::vector<ExpertCall> calls;
    for (size_t i = 0, count = 1 + random() % 6; i < count; ++i) calls.push_back(MakeCall(random, i + 1));
    const FakeExperts experts;
    const auto replies = ComputeMerged(calls, kHidden, DType::kBf16, experts);
    ASSERT_TRUE(replies.ok()) << replies.status();
    const std::vector<Message>& merged = *replies;
    EXPECT_EQ(experts.computed, 1);
    ASSERT_EQ(merged.size(), calls.size());
    for (size_t i = 0; i < calls.size(); ++i) {
      const std::vector<Message> alone = *ComputeMerged(absl::MakeSpan(&calls[i], 1), kHidden, DType::kBf16, experts);
      EXPECT_EQ(merged[i].header, alone[0].header);
      ASSERT_EQ(merged[i].payload.size, calls[i].expert_ids.size() * kHidden * 2);
      EXPECT_TRUE(std::equal(alone[0].payload.data, alone[0].payload.data + alone[0].payload.size, merged[i].payload.data));
    }
  }
}

TEST(MergerTest, PassesTheDevicesErrorOn) {
  std::mt19937 random(5);
  FakeExperts experts;
  experts.result = absl::InternalError("out of order");
  const std::vector<ExpertCall> calls = {MakeCall(random, 1)};
  EXPECT_EQ(ComputeMerged(calls, kHidden, DType::kBf16, experts).status(), experts.result);
}

}  // namespace
}  // namespace baleen
