#include "services/router/dispatcher.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

#include "absl/time/clock.h"
#include "base/dtype.h"
#include "proto/baleen/v1/placement.pb.h"
#include "services/router/testing/scripted_connector.h"

namespace baleen {
namespace {

constexpr char kNumerics[] = "numerics";
constexpr int kLayer = 3;
constexpr int kHidden = 4;
constexpr absl::Duration kPatience = absl::Seconds(30);

// One shard, "a", holds expert 0; or none does.
v1::ClusterMap Map(uint64_t epoch, bool has_shard) {
  v1::ClusterMap map;
  map.set_epoch(epoch);
  if (!has_shard) return map;
  v1::Worker* worker = map.add_workers();
  worker->mutable_info()->set_worker_id("a");
  worker->mutable_info()->set_address("a");
  worker->mutable_info()->set_role(v1::ROLE_EXPERT);
  worker->mutable_info()->set_numerics_id(kNumerics);
  v1::ExpertRange* range = worker->add_experts();
  range->set_layer(kLayer);
  range->add_experts(0);
  return map;
}

absl::Status WaitReady(const Dispatcher& dispatcher) {
  const absl::Time until = absl::Now() + kPatience;
  absl::Status status;
  while (!(status = dispatcher.Ready(kLayer, 1, 1)).ok() && absl::Now() < until) std::this_thread::yield();
  return status;
}

TEST(DispatcherTest, ReadinessFollowsMapsAndLinks) {
  ScriptedConnector connector;
  RouterOptions options;
  options.numerics_id = kNumerics;
  const auto dispatcher = std::make_shared<Dispatcher>(options, &connector, nullptr);
  dispatcher->Start();
  EXPECT_FALSE(dispatcher->Ready(kLayer, 1, 1).ok());
  dispatcher->UpdateMap(Map(1, /*has_shard=*/true));
  ASSERT_TRUE(WaitReady(*dispatcher).ok());
  EXPECT_FALSE(dispatcher->Ready(kLayer, 1, 2).ok());
  EXPECT_TRUE(dispatcher->Ready(kLayer, 1, 1).ok());
  dispatcher->UpdateMap(Map(2, /*has_shard=*/false));
  EXPECT_FALSE(dispatcher->Ready(kLayer, 1, 1).ok());
  dispatcher->UpdateMap(Map(3, /*has_shard=*/true));
  EXPECT_TRUE(WaitReady(*dispatcher).ok());
  dispatcher->Stop();
}

TEST(DispatcherTest, TheEndOfAForgottenLinksStreamLeavesItsSuccessorConnected) {
  ScriptedConnector connector;
  RouterOptions options;
  options.numerics_id = kNumerics;
  options.policy.hedge_unknown = options.policy.attempt_timeout = kPatience;
  const auto dispatcher = std::make_shared<Dispatcher>(options, &connector, nullptr);
  dispatcher->Start();
  dispatcher->UpdateMap(Map(1, /*has_shard=*/true));
  ASSERT_TRUE(WaitReady(*dispatcher).ok());
  const std::shared_ptr<ScriptedStream> first = connector.streams().front();

  // A call that is being sent keeps the first link, and an answer to it lets the shard be forgotten.
  const std::vector<std::byte> input(kHidden * sizeof(Bf16));
  const int32_t expert = 0;
  const std::byte* output = nullptr;
  ExpertBatch batch;
  batch.layer = kLayer;
  batch.rows = batch.top_k = 1;
  batch.hidden = kHidden;
  batch.input = input.data();
  batch.expert_ids = &expert;
  batch.outputs = &output;
  std::thread caller([&] { EXPECT_TRUE(dispatcher->Wait(dispatcher->Begin(batch)).ok()); });
  const uint64_t call = first->call_id();
  dispatcher->UpdateMap(Map(2, /*has_shard=*/false));
  first->Answer(call, input.size());
  first->WaitForClose();

  dispatcher->UpdateMap(Map(3, /*has_shard=*/true));
  EXPECT_TRUE(WaitReady(*dispatcher).ok());
  EXPECT_EQ(connector.streams().size(), 2u);
  first->End(absl::CancelledError("closed by this end"));
  EXPECT_TRUE(dispatcher->Ready(kLayer, 1, 1).ok());

  first->ReleaseCalls();
  caller.join();
  dispatcher->Stop();
}

}  // namespace
}  // namespace baleen
