#include "services/gateway/admission/cluster_capacity.h"

#include <gtest/gtest.h>

namespace baleen {
namespace {

v1::Worker* Add(v1::ClusterMap* map, v1::Role role, uint64_t tokens = 0, float usage = 0, uint32_t sequences = 0) {
  v1::Worker* worker = map->add_workers();
  worker->mutable_info()->set_role(role);
  worker->mutable_info()->set_kv_capacity_tokens(tokens);
  worker->mutable_info()->set_max_num_seqs(sequences);
  worker->set_kv_usage(usage);
  worker->set_ready(true);
  return worker;
}

TEST(ClusterCapacityTest, CountsReadyDecodeWorkers) {
  v1::ClusterMap map;
  EXPECT_EQ(ClusterCapacity(map, {}), AdmissionCapacity());
  Add(&map, v1::ROLE_GATEWAY);
  Add(&map, v1::ROLE_DECODE, 1000, 0, 8);
  Add(&map, v1::ROLE_PREFILL_AND_DECODE, 1000, 0, 16);
  Add(&map, v1::ROLE_PREFILL, 5000, 0, 99);
  Add(&map, v1::ROLE_DECODE, 5000, 0, 99)->set_draining(true);
  Add(&map, v1::ROLE_DECODE, 5000, 0, 99)->set_ready(false);
  EXPECT_EQ(ClusterCapacity(map, {}), (AdmissionCapacity{24, 4000}));
}

TEST(ClusterCapacityTest, LeavesToOtherGatewaysWhatTheyUseUpToTheirPart) {
  v1::ClusterMap map;
  Add(&map, v1::ROLE_GATEWAY);
  Add(&map, v1::ROLE_GATEWAY);
  v1::Worker* worker = Add(&map, v1::ROLE_DECODE, 1000, 0.5f, 15);
  worker->set_running(4);
  worker->set_waiting(1);
  EXPECT_EQ(ClusterCapacity(map, {5, 500}), (AdmissionCapacity{15, 2000}));
  EXPECT_EQ(ClusterCapacity(map, {3, 200}), (AdmissionCapacity{13, 1400}));
  worker->set_kv_usage(1);
  worker->set_running(20);
  EXPECT_EQ(ClusterCapacity(map, {}), (AdmissionCapacity{8, 1000})) << "the odd place belongs to both";
}

TEST(ClusterCapacityTest, AWorkerThatDoesNotSayTakesWhatItsKvHolds) {
  v1::ClusterMap map;
  Add(&map, v1::ROLE_DECODE, 1000, 0, 8);
  Add(&map, v1::ROLE_DECODE, 1000);
  EXPECT_GE(ClusterCapacity(map, {}).sequences, 1 << 20);
}

TEST(ClusterCapacityTest, AHostileMapOverflowsNothing) {
  v1::ClusterMap map;
  for (int i = 0; i < 100; ++i) {
    v1::Worker* worker = Add(&map, v1::ROLE_DECODE, UINT64_MAX, 1e30f, UINT32_MAX);
    worker->set_running(UINT32_MAX);
    worker->set_waiting(UINT32_MAX);
  }
  for (const AdmissionCapacity& own : {AdmissionCapacity(), AdmissionCapacity{INT64_MAX, INT64_MAX}}) {
    EXPECT_GT(ClusterCapacity(map, own).sequences, 0);
    EXPECT_GT(ClusterCapacity(map, own).tokens, 0);
  }
}

TEST(PriceTest, IsWholeBlocks) {
  EXPECT_EQ(PriceOf(1, 1), 64);
  EXPECT_EQ(PriceOf(60, 4), 64);
  EXPECT_EQ(PriceOf(60, 5), 128);
}

}  // namespace
}  // namespace baleen
