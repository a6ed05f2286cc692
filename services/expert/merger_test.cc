#include "services/expert/merger.h"

#include <gtest/gtest.h>

#include <random>

#include "transport/values.h"

namespace baleen {
namespace {

constexpr int64_t kHidden = 6;

void FakeCompute(int layer, const float* rows, int64_t row_count, absl::Span<const uint32_t> experts_per_row,
                 absl::Span<const uint32_t> expert_ids, float* out) {
  size_t at = 0;
  for (int64_t row = 0; row < row_count; ++row) {
    for (uint32_t k = 0; k < experts_per_row[row]; ++k, ++at) {
      for (int64_t j = 0; j < kHidden; ++j) {
        out[at * kHidden + j] = Bf16ToF32(F32ToBf16(rows[row * kHidden + j] * static_cast<float>(expert_ids[at] + 1) + layer));
      }
    }
  }
  EXPECT_EQ(at, expert_ids.size());
}

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
    Merger merger(kHidden, DType::kBf16);
    int computed = 0;
    const std::vector<Message> merged = merger.Compute(calls, [&](auto... args) {
      ++computed;
      FakeCompute(args...);
    });
    EXPECT_EQ(computed, 1);
    ASSERT_EQ(merged.size(), calls.size());
    for (size_t i = 0; i < calls.size(); ++i) {
      Merger single(kHidden, DType::kBf16);
      const std::vector<Message> alone = single.Compute(absl::MakeSpan(&calls[i], 1), FakeCompute);
      EXPECT_EQ(merged[i].header, alone[0].header);
      ASSERT_EQ(merged[i].payload.size, calls[i].expert_ids.size() * kHidden * 2);
      EXPECT_TRUE(std::equal(alone[0].payload.data, alone[0].payload.data + alone[0].payload.size, merged[i].payload.data));
    }
  }
}

}  // namespace
}  // namespace baleen
