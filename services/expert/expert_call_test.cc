#include "services/expert/expert_call.h"

#include <gtest/gtest.h>

#include <functional>
#include <vector>

#include "base/values.h"
#include "proto/baleen/v1/expert.pb.h"

namespace baleen {
namespace {

constexpr int64_t kHidden = 4;
const absl::Time kNow = absl::FromUnixSeconds(1000);

ExpertShape Shape() { return {.hidden = kHidden, .experts = 8, .dtype = DType::kBf16, .numerics_id = "n"}; }

v1::ExpertCallHeader GoodHeader() {
  v1::ExpertCallHeader header;
  header.set_call_id(11);
  header.set_epoch(3);
  header.set_timeout_ms(1000);
  header.set_numerics_id("n");
  header.set_layer(2);
  header.set_dtype(v1::DTYPE_BF16);
  header.set_rows(2);
  for (const uint32_t count : {1, 2}) header.add_experts_per_row(count);
  for (const uint32_t id : {7, 0, 5}) header.add_expert_ids(id);
  return header;
}

absl::Status Parse(const v1::ExpertCallHeader& header, size_t payload = 2 * kHidden * 2) {
  uint64_t call_id = 0, epoch = 0;
  return ParseExpertCall({header.SerializeAsString(), Payload::Own(std::vector<char>(payload))}, Shape(), kNow, &call_id, &epoch).status();
}

TEST(ExpertCallTest, TakesAGoodCall) {
  uint64_t call_id = 0, epoch = 0;
  const auto call =
      ParseExpertCall({GoodHeader().SerializeAsString(), Payload::Own(std::vector<char>(16))}, Shape(), kNow, &call_id, &epoch);
  ASSERT_TRUE(call.ok()) << call.status();
  EXPECT_EQ(call->call_id, 11u);
  EXPECT_EQ(call->layer, 2);
  EXPECT_EQ(call->rows, 2);
  EXPECT_EQ(call->deadline, kNow + absl::Seconds(1));
  EXPECT_EQ(call->expert_ids, (std::vector<uint32_t>{7, 0, 5}));
}

TEST(ExpertCallTest, RefusesWhatDoesNotFit) {
  const std::function<void(v1::ExpertCallHeader&)> breaks[] = {
      [](auto& h) { h.set_dtype(v1::DTYPE_F32); },
      [](auto& h) { h.set_dtype(v1::DTYPE_UNSPECIFIED); },
      [](auto& h) { h.set_rows(3); },
      [](auto& h) { h.set_rows(0); },
      [](auto& h) { h.set_rows(0xffffffffu); },
      [](auto& h) { h.add_experts_per_row(0); },
      [](auto& h) { h.set_experts_per_row(0, 0); },
      [](auto& h) { h.set_experts_per_row(1, 9); },
      [](auto& h) { h.set_experts_per_row(1, 0xffffffffu); },
      [](auto& h) { h.add_expert_ids(1); },
      [](auto& h) { h.set_expert_ids(0, 8); },
      [](auto& h) { h.set_layer(0xffffffffu); },
  };
  for (size_t i = 0; i < std::size(breaks); ++i) {
    v1::ExpertCallHeader header = GoodHeader();
    breaks[i](header);
    EXPECT_EQ(Parse(header).code(), absl::StatusCode::kInvalidArgument) << i;
  }
  EXPECT_EQ(Parse(GoodHeader(), 15).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(Parse(GoodHeader(), 0).code(), absl::StatusCode::kInvalidArgument);
  v1::ExpertCallHeader other = GoodHeader();
  other.set_numerics_id("m");
  EXPECT_EQ(Parse(other).code(), absl::StatusCode::kFailedPrecondition);
  uint64_t call_id = 0, epoch = 0;
  EXPECT_EQ(ParseExpertCall({"\xff\xff", {}}, Shape(), kNow, &call_id, &epoch).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(ExpertCallTest, RefusesAReplyOverTheFrameLimit) {
  ExpertShape shape = Shape();
  shape.hidden = 1 << 20;
  shape.experts = 64;
  v1::ExpertCallHeader header = GoodHeader();
  header.set_rows(1);
  header.clear_experts_per_row();
  header.add_experts_per_row(33);
  header.clear_expert_ids();
  for (uint32_t id = 0; id < 33; ++id) header.add_expert_ids(id);
  uint64_t call_id = 0, epoch = 0;
  const auto call = ParseExpertCall({header.SerializeAsString(), Payload::Own(std::vector<char>(2 << 20))}, shape, kNow, &call_id, &epoch);
  EXPECT_EQ(call.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(call_id, 11u);
}

TEST(ExpertCallTest, HelloNeedsNothingButTheNumerics) {
  v1::ExpertCallHeader hello;
  EXPECT_EQ(Parse(hello, 0).code(), absl::StatusCode::kFailedPrecondition);
  hello.set_numerics_id("n");
  EXPECT_TRUE(Parse(hello, 0).ok());
}

}  // namespace
}  // namespace baleen
