#include "services/attention/prefill/prefill_picker.h"

#include "gtest/gtest.h"
#include "proto/baleen/v1/placement.pb.h"

namespace baleen {
namespace {

struct FakeClock final : Clock {
  absl::Time now = absl::FromUnixSeconds(1000);
  absl::Time Now() override { return now; }
  void Sleep(absl::Duration duration) override { now += duration; }
};

v1::Worker* Add(v1::ClusterMap& map, const std::string& id, v1::Role role = v1::ROLE_PREFILL) {
  v1::Worker* worker = map.add_workers();
  worker->mutable_info()->set_worker_id(id);
  worker->mutable_info()->set_role(role);
  worker->mutable_info()->set_address(id + ":1");
  worker->mutable_info()->set_model_id("m");
  worker->mutable_info()->set_numerics_id("n");
  worker->set_ready(true);
  return worker;
}

TEST(PrefillPickerTest, TakesOnlyReadyWorkersThatFit) {
  FakeClock clock;
  PrefillPicker picker("self", "m", "n", &clock);
  v1::ClusterMap map;
  Add(map, "self", v1::ROLE_PREFILL_AND_DECODE);
  Add(map, "decode", v1::ROLE_DECODE);
  Add(map, "expert", v1::ROLE_EXPERT);
  Add(map, "starting")->set_ready(false);
  Add(map, "leaving")->set_draining(true);
  Add(map, "numerics")->mutable_info()->set_numerics_id("x");
  Add(map, "model")->mutable_info()->set_model_id("x");
  picker.Update(map);
  EXPECT_FALSE(picker.Any());
  Add(map, "good");
  picker.Update(map);
  EXPECT_EQ(picker.Pick({}, 10)->address, "good:1");
  EXPECT_FALSE(picker.Pick({"good"}, 10).has_value());
}

TEST(PrefillPickerTest, LeastLoadedThenRoundRobin) {
  FakeClock clock;
  PrefillPicker picker("self", "m", "n", &clock);
  v1::ClusterMap map;
  Add(map, "a");
  Add(map, "b");
  picker.Update(map);
  EXPECT_EQ(picker.Pick({}, 100)->worker_id, "a");
  EXPECT_EQ(picker.Pick({}, 10)->worker_id, "b");
  EXPECT_EQ(picker.Pick({}, 10)->worker_id, "b");
  picker.Update(map);  // A new map keeps the load.
  picker.Done("b", 20);
  picker.Done("a", 100);
  EXPECT_EQ(picker.Pick({}, 1)->worker_id, "a");
  picker.Done("a", 1);
  EXPECT_EQ(picker.Pick({}, 1)->worker_id, "b");
  picker.Done("gone", 5);
}

TEST(PrefillPickerTest, AvoidsAFailedWorkerForAWhile) {
  FakeClock clock;
  PrefillPicker picker("self", "m", "n", &clock);
  v1::ClusterMap map;
  Add(map, "a");
  Add(map, "starting")->set_ready(false);
  picker.Update(map);
  EXPECT_TRUE(picker.Listed("starting"));
  EXPECT_FALSE(picker.Listed("b"));
  picker.Failed("a");
  picker.Update(map);
  EXPECT_FALSE(picker.Pick({}, 1).has_value());
  clock.Sleep(PrefillPicker::kAvoidTime);
  EXPECT_TRUE(picker.Pick({}, 1).has_value());
}

}  // namespace
}  // namespace baleen
