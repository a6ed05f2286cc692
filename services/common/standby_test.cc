#include "services/common/standby.h"

#include <map>
#include <set>
#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "proto/baleen/v1/placement.pb.h"

namespace baleen {
namespace {

v1::ClusterMap MapOf(const std::set<std::string>& ids) {
  v1::ClusterMap map;
  for (const std::string& id : ids) {
    v1::Worker* worker = map.add_workers();
    worker->set_ready(true);
    worker->mutable_info()->set_worker_id(id);
    worker->mutable_info()->set_role(v1::ROLE_DECODE);
    worker->mutable_info()->set_numerics_id("n");
  }
  return map;
}

std::string Standby(const v1::ClusterMap& map, const std::string& request, uint32_t choice = 0, const std::string& worker = "a") {
  const v1::Worker* const found = StandbyOf(map, {.request_id = request, .choice = choice, .worker_id = worker, .numerics_id = "n"});
  return found == nullptr ? "" : found->info().worker_id();
}

TEST(StandbyTest, IsAnotherThatWouldTakeTheSequence) {
  EXPECT_EQ(Standby(MapOf({}), "r"), "");
  EXPECT_EQ(Standby(MapOf({"a"}), "r"), "");
  EXPECT_EQ(Standby(MapOf({"a", "b"}), "r"), "b");
  v1::ClusterMap map = MapOf({"a", "b", "c", "d", "e"});
  map.mutable_workers(1)->set_ready(false);
  map.mutable_workers(2)->set_draining(true);
  map.mutable_workers(3)->mutable_info()->set_numerics_id("other");
  map.mutable_workers(4)->mutable_info()->set_role(v1::ROLE_PREFILL);
  EXPECT_EQ(Standby(map, "r"), "");
  map.mutable_workers(4)->mutable_info()->set_role(v1::ROLE_PREFILL_AND_DECODE);
  EXPECT_EQ(Standby(map, "r"), "e");
}

TEST(StandbyTest, SpreadsAWorkersSequencesAndThoseOfOneRequest) {
  std::map<std::string, int> by_worker;
  std::set<std::string> of_one;
  const v1::ClusterMap map = MapOf({"a", "b", "c", "d"});
  for (int i = 0; i < 300; ++i) ++by_worker[Standby(map, absl::StrCat("request ", i))];
  for (uint32_t choice = 0; choice < 20; ++choice) of_one.insert(Standby(map, "r", choice));
  ASSERT_EQ(by_worker.size(), 3);
  for (const auto& [worker, sequences] : by_worker) EXPECT_NEAR(sequences, 100, 40) << worker;
  EXPECT_EQ(of_one.size(), 3);
}

TEST(StandbyTest, OneThatLeavesMovesOnlyItsOwn) {
  const v1::ClusterMap before = MapOf({"a", "b", "c", "d"}), after = MapOf({"a", "b", "d"});
  for (int i = 0; i < 100; ++i) {
    const std::string request = absl::StrCat("request ", i);
    const std::string standby = Standby(before, request);
    if (standby != "c") {
      EXPECT_EQ(Standby(after, request), standby);
    }
  }
}

// Processes of different builds must agree.
TEST(StandbyTest, IsTheSameInEveryProcess) { EXPECT_EQ(Standby(MapOf({"a", "b", "c", "d"}), "0123456789abcdef", 7), "b"); }

}  // namespace
}  // namespace baleen
