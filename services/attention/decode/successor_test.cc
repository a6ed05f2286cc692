#include "services/attention/decode/successor.h"

#include <gtest/gtest.h>

#include "proto/baleen/v1/placement.pb.h"

namespace baleen {
namespace {

TEST(SuccessorTest, IsAnotherReadyDecodeWorkerOfTheSameNumerics) {
  v1::ClusterMap map;
  EXPECT_FALSE(HasSuccessor(map, "leaving", "n1"));
  for (const char* id : {"leaving", "other"}) {
    v1::Worker& worker = *map.add_workers();
    worker.set_ready(true);
    worker.mutable_info()->set_worker_id(id);
    worker.mutable_info()->set_numerics_id("n1");
    worker.mutable_info()->set_role(v1::ROLE_DECODE);
  }
  EXPECT_TRUE(HasSuccessor(map, "leaving", "n1"));
  EXPECT_FALSE(HasSuccessor(map, "leaving", "n2"));
  v1::Worker& other = *map.mutable_workers(1);
  other.mutable_info()->set_role(v1::ROLE_PREFILL);
  EXPECT_FALSE(HasSuccessor(map, "leaving", "n1"));
  other.mutable_info()->set_role(v1::ROLE_PREFILL_AND_DECODE);
  EXPECT_TRUE(HasSuccessor(map, "leaving", "n1"));
  other.set_draining(true);
  EXPECT_FALSE(HasSuccessor(map, "leaving", "n1"));
  other.set_draining(false);
  other.set_ready(false);
  EXPECT_FALSE(HasSuccessor(map, "leaving", "n1"));
}

}  // namespace
}  // namespace baleen
