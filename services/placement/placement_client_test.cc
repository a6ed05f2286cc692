#include "services/placement/placement_client.h"

#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <thread>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "proto/baleen/v1/placement.grpc.pb.h"
#include "services/common/server_runner.h"
#include "services/placement/placement_server.h"

namespace baleen {
namespace {

// For what comes in milliseconds, unless this process does not run.
constexpr absl::Duration kPatience = absl::Seconds(50);

// A worker that holds at once whatever it is told to.
class FakeWorker {
 public:
  FakeWorker(const std::string& id, v1::Role role, const std::string& address) {
    PlacementClientOptions options;
    options.address = address;
    options.release_patience = kPatience;
    options.worker.set_worker_id(id);
    options.worker.set_role(role);
    options.worker.set_address("127.0.0.1:1");
    options.worker.set_model_id("m");
    if (role != v1::ROLE_GATEWAY) {
      options.worker.set_first_moe_layer(1);
      options.worker.set_moe_layers(2);
      options.worker.set_experts(8);
    }
    options.report = [this](v1::HeartbeatRequest* request) {
      std::lock_guard lock(mutex_);
      request->set_ready(true);
      request->set_draining(draining_);
      for (const auto& range : held_) *request->add_loaded() = range;
      request->mutable_attention()->set_kv_blocks_total(9);
      v1::TensorDigest& digest = *request->add_digests();
      digest.set_name("t");
      digest.set_digest(digest_);
    };
    options.on_map = [this](std::shared_ptr<const v1::ClusterMap> map) {
      std::lock_guard lock(mutex_);
      EXPECT_GT(map->epoch(), map_ ? map_->epoch() : 0);
      map_ = std::move(map);
      changed_.notify_all();
    };
    options.on_assignment = [this](const std::vector<v1::ExpertRange>& ranges) {
      {
        std::lock_guard lock(mutex_);
        held_ = ranges;
        changed_.notify_all();
      }
      std::lock_guard lock(client_mutex_);  // Assignments may come while the constructor below runs.
      client_->Nudge();
    };
    options.on_drain = [this] {
      std::lock_guard lock(mutex_);
      ++drains_;
      changed_.notify_all();
    };
    std::lock_guard lock(client_mutex_);
    client_ = std::make_unique<PlacementClient>(std::move(options));
  }

  PlacementClient& client() { return *client_; }

  absl::Status AwaitRelease() { return client().AwaitRelease(kPatience); }
  // As often as 2 s are too few for this process.
  absl::Status Deregister() {
    absl::Status status;
    for (int i = 0; i < 25 && (status = client().Deregister(), absl::IsDeadlineExceeded(status)); ++i) continue;
    return status;
  }

  // Waits until a map satisfies the predicate.
  bool Sees(const std::function<bool(const v1::ClusterMap&)>& wanted) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, absl::ToChronoSeconds(kPatience), [&] { return map_ != nullptr && wanted(*map_); });
  }
  uint64_t epoch() {
    std::lock_guard lock(mutex_);
    return map_ ? map_->epoch() : 0;
  }
  // Waits until it was told to drain.
  bool IsTold() {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, absl::ToChronoSeconds(kPatience), [&] { return drains_ > 0; });
  }
  int drains() {
    std::lock_guard lock(mutex_);
    return drains_;
  }
  void SetDraining() {
    std::lock_guard lock(mutex_);
    draining_ = true;
  }
  void SetDigest(uint64_t digest) {
    std::lock_guard lock(mutex_);
    digest_ = digest;
  }

 private:
  std::mutex client_mutex_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<v1::ExpertRange> held_;
  bool draining_ = false;
  int drains_ = 0;
  uint64_t digest_ = 7;
  std::shared_ptr<const v1::ClusterMap> map_;
  std::unique_ptr<PlacementClient> client_;
};

int ReadyShardsWith(const v1::ClusterMap& map, int experts) {
  int count = 0;
  for (const v1::Worker& worker : map.workers()) {
    count += worker.info().role() == v1::ROLE_EXPERT && worker.ready() && worker.experts_size() == 2 &&
             worker.experts(0).experts_size() == experts;
  }
  return count;
}

// Nobody is dead for not having run, unless a test says after how long.
std::unique_ptr<PlacementServer> StartPlacement(int port, uint32_t shards, absl::Duration heartbeat_timeout = absl::Minutes(10)) {
  ServerOptions options{.role = "placement", .grpc_port = port};
  PlacementOptions placement{.cluster = {.assignment = {.expected_shards = shards}, .heartbeat_timeout = heartbeat_timeout}};
  auto server = std::make_unique<PlacementServer>(options, placement);
  const absl::Status status = server->Start();
  EXPECT_TRUE(status.ok()) << status;
  return server;
}

int PortOf(const PlacementServer& server) { return std::stoi(server.address().substr(server.address().rfind(':') + 1)); }

TEST(PlacementClientTest, ShardsGetExpertsAndAllSeeThem) {
  auto server = StartPlacement(0, 2);
  FakeWorker gateway("g", v1::ROLE_GATEWAY, server->address());
  FakeWorker first("e1", v1::ROLE_EXPERT, server->address());
  FakeWorker second("e2", v1::ROLE_EXPERT, server->address());
  EXPECT_TRUE(gateway.Sees([](const v1::ClusterMap& map) { return ReadyShardsWith(map, 4) == 2 && map.workers_size() == 3; }));

  EXPECT_TRUE(second.client().Deregister().ok());
  EXPECT_TRUE(gateway.Sees([](const v1::ClusterMap& map) { return ReadyShardsWith(map, 8) == 1 && map.workers_size() == 2; }));
  FakeWorker third("e3", v1::ROLE_EXPERT, server->address());
  EXPECT_TRUE(gateway.Sees([](const v1::ClusterMap& map) { return ReadyShardsWith(map, 4) == 2; }));
}

TEST(PlacementClientTest, ALeavingShardIsReleasedWhenItsExpertsAreElsewhere) {
  auto server = StartPlacement(0, 2);
  FakeWorker gateway("g", v1::ROLE_GATEWAY, server->address());
  FakeWorker staying("e1", v1::ROLE_EXPERT, server->address());
  FakeWorker leaving("e2", v1::ROLE_EXPERT, server->address());
  ASSERT_TRUE(gateway.Sees([](const v1::ClusterMap& map) { return ReadyShardsWith(map, 4) == 2; }));
  EXPECT_TRUE(absl::IsDeadlineExceeded(leaving.client().AwaitRelease(absl::Milliseconds(1)))) << "it has not said that it leaves";
  leaving.SetDraining();
  EXPECT_TRUE(leaving.AwaitRelease().ok());
  EXPECT_TRUE(gateway.Sees([](const v1::ClusterMap& map) { return ReadyShardsWith(map, 8) == 1; }));
  staying.SetDraining();
  EXPECT_TRUE(staying.AwaitRelease().ok()) << "nobody is left to take over";
}

absl::Status AskToDrain(FakeWorker& from, const std::string& worker_id) {
  std::promise<absl::Status> answer;
  from.client().Drain(worker_id, [&answer](const absl::Status& status) { answer.set_value(status); });
  return answer.get_future().get();
}

// The worker's standing once it has that code, else after kPatience.
absl::Status AwaitStanding(FakeWorker& worker, absl::StatusCode code) {
  const absl::Time until = absl::Now() + kPatience;
  while (worker.client().Standing().code() != code && absl::Now() < until) std::this_thread::yield();
  return worker.client().Standing();
}

TEST(PlacementClientTest, AWorkerIsToldToDrainOnceAndNoOther) {
  auto server = StartPlacement(0, 2);
  FakeWorker gateway("g", v1::ROLE_GATEWAY, server->address());
  FakeWorker staying("e1", v1::ROLE_EXPERT, server->address());
  FakeWorker leaving("e2", v1::ROLE_EXPERT, server->address());
  ASSERT_TRUE(gateway.Sees([](const v1::ClusterMap& map) { return ReadyShardsWith(map, 4) == 2; }));
  EXPECT_TRUE(absl::IsNotFound(AskToDrain(gateway, "e3")));
  ASSERT_TRUE(AskToDrain(gateway, "e2").ok());
  ASSERT_TRUE(leaving.IsTold());
  // Its next heartbeats are answered so too.
  leaving.SetDraining();
  EXPECT_TRUE(leaving.AwaitRelease().ok());
  EXPECT_EQ(leaving.drains(), 1);
  EXPECT_EQ(staying.drains() + gateway.drains(), 0);
}

TEST(PlacementClientTest, PlacementItselfDrains) {
  auto server = StartPlacement(0, 1);
  FakeWorker gateway("g", v1::ROLE_GATEWAY, server->address());
  ASSERT_TRUE(gateway.Sees([](const v1::ClusterMap& map) { return map.workers_size() == 1; }));
  EXPECT_TRUE(absl::IsNotFound(AskToDrain(gateway, "")));
  ASSERT_TRUE(AskToDrain(gateway, "placement").ok());
  EXPECT_EQ(server->RunUntilTerminated(), 0);
  EXPECT_EQ(gateway.drains(), 0);
}

TEST(PlacementClientTest, ActivityIsWhatTheWorkersSaid) {
  auto server = StartPlacement(0, 1);
  FakeWorker gateway("g", v1::ROLE_GATEWAY, server->address());
  ASSERT_TRUE(gateway.Sees([](const v1::ClusterMap& map) { return map.workers_size() == 1 && map.workers(0).ready(); }));
  std::promise<absl::StatusOr<v1::Activity>> answer;
  gateway.client().GetActivity([&answer](absl::StatusOr<v1::Activity> activity) { answer.set_value(std::move(activity)); });
  const absl::StatusOr<v1::Activity> activity = answer.get_future().get();
  ASSERT_TRUE(activity.ok()) << activity.status();
  ASSERT_EQ(activity->workers_size(), 1);
  EXPECT_EQ(activity->workers(0).worker_id(), "g");
  EXPECT_EQ(activity->workers(0).attention().kv_blocks_total(), 9u);
}

TEST(PlacementClientTest, ActivityOfAPlacementThatIsGoneIsAnError) {
  auto server = StartPlacement(0, 1);
  FakeWorker gateway("g", v1::ROLE_GATEWAY, server->address());
  server.reset();
  std::promise<absl::Status> answer;
  gateway.client().GetActivity([&answer](absl::StatusOr<v1::Activity> activity) { answer.set_value(activity.status()); });
  EXPECT_FALSE(answer.get_future().get().ok());
}

TEST(PlacementClientTest, ASilentShardLeavesTheMap) {
  auto server = StartPlacement(0, 1, kHeartbeatTimeout);
  FakeWorker gateway("g", v1::ROLE_GATEWAY, server->address());
  {
    FakeWorker shard("e", v1::ROLE_EXPERT, server->address());
    ASSERT_TRUE(gateway.Sees([](const v1::ClusterMap& map) { return ReadyShardsWith(map, 8) == 1; }));
  }
  EXPECT_TRUE(gateway.Sees([](const v1::ClusterMap& map) { return map.workers_size() == 1; }));
}

TEST(PlacementClientTest, ADisagreeingShardIsShownNotReady) {
  auto server = StartPlacement(0, 2);
  FakeWorker good("a", v1::ROLE_EXPERT, server->address());
  ASSERT_TRUE(good.Sees([](const v1::ClusterMap& map) { return ReadyShardsWith(map, 4) == 1; }));
  FakeWorker bad("b", v1::ROLE_EXPERT, server->address());
  ASSERT_TRUE(good.Sees([](const v1::ClusterMap& map) { return ReadyShardsWith(map, 4) == 2; }));
  bad.SetDigest(8);
  bad.client().Nudge();
  EXPECT_TRUE(good.Sees([](const v1::ClusterMap& map) { return ReadyShardsWith(map, 8) == 1 && map.workers_size() == 2; }));
  const absl::Status refused = AwaitStanding(bad, absl::StatusCode::kUnavailable);
  EXPECT_TRUE(absl::StartsWith(refused.message(), "placement refuses this worker: ")) << refused;
  EXPECT_TRUE(good.client().Standing().ok());
}

TEST(PlacementClientTest, ADrainingShardWaitsForTheNextPlacement) {
  auto server = StartPlacement(0, 2);
  const int port = PortOf(*server);
  FakeWorker staying("e1", v1::ROLE_EXPERT, server->address());
  FakeWorker leaving("e2", v1::ROLE_EXPERT, server->address());
  ASSERT_TRUE(leaving.Sees([](const v1::ClusterMap& map) { return ReadyShardsWith(map, 4) == 2; }));
  server.reset();
  leaving.SetDraining();
  auto released = std::async(std::launch::async, [&] { return leaving.AwaitRelease(); });
  const absl::Duration longest_fail_over = kHeartbeatTimeout + absl::Seconds(1);
  EXPECT_EQ(released.wait_for(absl::ToChronoMilliseconds(longest_fail_over)), std::future_status::timeout);
  server = StartPlacement(port, 2, kHeartbeatTimeout);
  EXPECT_TRUE(released.get().ok());
  EXPECT_TRUE(staying.Sees([](const v1::ClusterMap& map) { return ReadyShardsWith(map, 8) == 1; }));
}

TEST(PlacementClientTest, ADrainingShardDoesNotWaitForeverForAPlacement) {
  PlacementClientOptions options;
  options.address = "127.0.0.1:1";
  options.release_patience = absl::Milliseconds(1);
  PlacementClient client(std::move(options));
  EXPECT_TRUE(absl::IsUnavailable(client.AwaitRelease(kPatience)));
}

// Leads until a worker wants to leave.
class DeposedPlacement final : public v1::Placement::Service {
  grpc::Status Register(grpc::ServerContext*, const v1::RegisterRequest*, v1::RegisterReply*) override { return grpc::Status::OK; }
  grpc::Status Heartbeat(grpc::ServerContext*, const v1::HeartbeatRequest*, v1::HeartbeatReply*) override { return grpc::Status::OK; }
  grpc::Status Deregister(grpc::ServerContext*, const v1::DeregisterRequest*, v1::DeregisterReply*) override {
    return {grpc::StatusCode::UNAVAILABLE, "this placement does not lead"};
  }
};

TEST(PlacementClientTest, AWorkerLeavesByThePlacementThatLeads) {
  DeposedPlacement deposed;
  int port = 0;
  grpc::ServerBuilder builder;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
  const auto first = builder.RegisterService(&deposed).BuildAndStart();
  auto leader = StartPlacement(0, 1);
  FakeWorker gateway("g", v1::ROLE_GATEWAY, absl::StrCat("127.0.0.1:", port, ",", leader->address()));
  ASSERT_TRUE(AwaitStanding(gateway, absl::StatusCode::kOk).ok());
  EXPECT_TRUE(gateway.Deregister().ok());
}

TEST(PlacementClientTest, AWorkerStandsOnceItIsRegisteredAndPlacementsAbsenceChangesNothing) {
  auto server = StartPlacement(0, 1);
  const std::string address = server->address();
  server.reset();
  FakeWorker early("early", v1::ROLE_GATEWAY, address);
  EXPECT_EQ(early.client().Standing().message(), "placement has not registered this worker yet");
  server = StartPlacement(std::stoi(address.substr(address.rfind(':') + 1)), 1);
  EXPECT_TRUE(AwaitStanding(early, absl::StatusCode::kOk).ok());
  server.reset();
  EXPECT_FALSE(AskToDrain(early, "early").ok()) << "placement is gone";
  EXPECT_TRUE(early.client().Standing().ok());
}

TEST(PlacementClientTest, PlacementRestartIsSurvived) {
  auto server = StartPlacement(0, 1);
  const int port = PortOf(*server);
  FakeWorker gateway("g", v1::ROLE_GATEWAY, server->address());
  FakeWorker shard("e", v1::ROLE_EXPERT, server->address());
  ASSERT_TRUE(gateway.Sees([](const v1::ClusterMap& map) { return ReadyShardsWith(map, 8) == 1; }));
  server.reset();
  const uint64_t before = gateway.epoch();
  EXPECT_NE(gateway.client().map(), nullptr) << "the last map stays";
  server = StartPlacement(port, 1, kHeartbeatTimeout);
  // Every newer map is whole: no moment shows the shard missing.
  bool whole = true;
  EXPECT_TRUE(gateway.Sees([&](const v1::ClusterMap& map) {
    if (map.epoch() > before) whole = whole && ReadyShardsWith(map, 8) == 1 && map.workers_size() == 2;
    return map.epoch() > before;
  }));
  EXPECT_TRUE(whole);
}

TEST(PlacementServerTest, ImpossibleClustersAreRefused) {
  ServerOptions options{.role = "placement"};
  PlacementServer server(options, {.cluster = {.assignment = {.expected_shards = 2, .replicas = 3}}});
  EXPECT_EQ(server.Start().code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace baleen
