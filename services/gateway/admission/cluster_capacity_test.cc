#include "services/gateway/admission/cluster_capacity.h"

#include <gtest/gtest.h>

namespace baleen {
namespace {

v1::Worker* Add(v1::ClusterMap* map, v1::Role role, uint64_t tokens = 0, float usage = 0) {
  v1::Worker* worker = map->add_workers();
  worker->mutable_info()->set_role(role);
  worker->mutable_info()->set_kv_capacity_tokens(tokens);
  worker->set_kv_usage(usage);
  worker->set_ready(true);
  return worker;
}

TEST(ClusterCapacityTest, CountsReadyDecodeWorkers) {
  v1::ClusterMap map;
  EXPECT_EQ(ClusterCapacity(map, 0), 0);
  Add(&map, v1::ROLE_GATEWAY);
  Add(&map, v1::ROLE_DECODE, 1000);
  Add(&map, v1::ROLE_PREFILL_AND_DECODE, 1000);
  Add(&map, v1::ROLE_PREFILL, 5000);
  Add(&map, v1::ROLE_DECODE, 5000)->set_draining(true);
  Add(&map, v1::ROLE_DECODE, 5000)->set_ready(false);
  EXPECT_EQ(ClusterCapacity(map, 0), 4000);
}

TEST(ClusterCapacityTest, LeavesToOtherGatewaysWhatTheyUseUpToTheirPart) {
  v1::ClusterMap map;
  Add(&map, v1::ROLE_GATEWAY);
  Add(&map, v1::ROLE_GATEWAY);
  v1::Worker* worker = Add(&map, v1::ROLE_DECODE, 1000, 0.5f);
  EXPECT_EQ(ClusterCapacity(map, 500), 2000);
  EXPECT_EQ(ClusterCapacity(map, 200), 1400);
  worker->set_kv_usage(1);
  EXPECT_EQ(ClusterCapacity(map, 0), 1000);
}

TEST(ClusterCapacityTest, AHostileMapOverflowsNothing) {
  v1::ClusterMap map;
  for (int i = 0; i < 100; ++i) Add(&map, v1::ROLE_DECODE, UINT64_MAX, 1e30f);
  EXPECT_GT(ClusterCapacity(map, 0), 0);
  EXPECT_GT(ClusterCapacity(map, INT64_MAX), 0);
}

TEST(PriceTest, IsWholeBlocks) {
  EXPECT_EQ(PriceOf(1, 1), 64);
  EXPECT_EQ(PriceOf(60, 4), 64);
  EXPECT_EQ(PriceOf(60, 5), 128);
}

}  // namespace
}  // namespace baleen
