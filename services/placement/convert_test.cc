#include "services/placement/convert.h"

#include <gtest/gtest.h>

#include "absl/strings/match.h"

namespace baleen {
namespace {

v1::WorkerInfo Info() {
  v1::WorkerInfo info;
  info.set_worker_id("w");
  info.set_role(v1::ROLE_EXPERT);
  info.set_address("127.0.0.1:1");
  info.set_experts(16);
  info.set_expert_groups(8);
  info.set_kv_capacity_tokens(4096);
  info.set_max_num_seqs(32);
  return info;
}

TEST(ConvertTest, WorkersGoThereAndBack) {
  const WorkerDescription worker = FromProto(Info()).value();
  EXPECT_EQ(worker.role, WorkerRole::kExpert);
  MappedWorker mapped;
  mapped.description = worker;
  mapped.ready = true;
  mapped.experts = {{3, {1, 2}}};
  const v1::Worker proto = ToProto(mapped);
  EXPECT_EQ(proto.info().SerializeAsString(), Info().SerializeAsString());
  EXPECT_TRUE(proto.ready());
  EXPECT_EQ(FromProto(proto.experts()).value(), mapped.experts);
}

TEST(ConvertTest, BadFieldsAreNamed) {
  v1::WorkerInfo info = Info();
  info.clear_worker_id();
  EXPECT_TRUE(absl::StrContains(FromProto(info).status().message(), "worker_id"));
  info = Info();
  info.set_role(static_cast<v1::Role>(99));
  EXPECT_TRUE(absl::StrContains(FromProto(info).status().message(), "99"));
  info = Info();
  info.set_address(std::string(1000, 'x'));
  EXPECT_TRUE(absl::StrContains(FromProto(info).status().message(), "address"));
}

TEST(ConvertTest, RowsAreChecked) {
  v1::HeartbeatRequest request;
  v1::ExpertRows& rows = *request.add_rows();
  rows.set_layer(2);
  rows.add_experts(5);
  EXPECT_EQ(FromProto(request).status().code(), absl::StatusCode::kInvalidArgument) << "an expert without a count";
  rows.add_rows(7);
  EXPECT_EQ(FromProto(request).value().rows.at(0).rows.at(0), 7u);
}

TEST(ConvertTest, RangesAreSortedAndChecked) {
  v1::HeartbeatRequest request;
  v1::ExpertRange& range = *request.add_loaded();
  range.set_layer(2);
  range.add_experts(5);
  range.add_experts(1);
  EXPECT_EQ(FromProto(request).value().loaded, (std::vector<LayerExperts>{{2, {1, 5}}}));
  range.add_experts(5);
  EXPECT_TRUE(absl::StrContains(FromProto(request).status().message(), "twice"));
  range.clear_experts();
  range.add_experts(4000000000u);
  EXPECT_TRUE(absl::StrContains(FromProto(request).status().message(), "4000000000"));
  range.clear_experts();
  request.add_loaded()->set_layer(2);
  EXPECT_TRUE(absl::StrContains(FromProto(request).status().message(), "layer 2"));
}

}  // namespace
}  // namespace baleen
