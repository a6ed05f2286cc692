#include "services/router/router.h"

#include <gtest/gtest.h>
#include <prometheus/registry.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>
#include <numeric>
#include <random>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "base/values.h"
#include "proto/baleen/v1/expert.pb.h"
#include "services/common/dtype_wire.h"
#include "transport/inproc/inproc_network.h"

namespace baleen {
namespace {

constexpr char kMethod[] = "/baleen.v1.Expert/Exchange";
constexpr char kNumerics[] = "test-numerics";
constexpr int kHidden = 33;
constexpr int kLayer = 3;
constexpr absl::Duration kPatience = absl::Seconds(8);

float Expected(float x, int layer, uint32_t expert) { return Bf16ToF32(F32ToBf16(x * static_cast<float>(expert + 1) + layer)); }

// Answers every call at once, unless told otherwise.
class FakeShard {
 public:
  enum class Mode { kAnswer, kMute, kRefuse };

  FakeShard(InprocNetwork* network, std::string address, Mode mode = Mode::kAnswer)
      : network_(network), address_(std::move(address)), mode_(mode) {
    const absl::Status served = network_->Listen(address_, kMethod, [this](std::shared_ptr<Connection> connection) {
      return StreamHandlers{[this, connection](Message message) { OnMessage(connection, message); }, [](absl::Status) {}};
    });
    EXPECT_TRUE(served.ok()) << served;
  }
  void Kill() { network_->Kill(address_); }

  bool WaitForCall() { return called_.WaitForNotificationWithTimeout(kPatience); }
  int calls() const { return calls_; }
  uint64_t last_epoch() const { return last_epoch_; }

 private:
  void OnMessage(const std::shared_ptr<Connection>& connection, const Message& message) {
    v1::ExpertCallHeader call;
    ASSERT_TRUE(call.ParseFromString(message.header));
    v1::ExpertReplyHeader reply;
    reply.set_call_id(call.call_id());
    if (call.numerics_id() != kNumerics) {
      reply.set_code(static_cast<int>(absl::StatusCode::kFailedPrecondition));
      reply.set_error("other numerics");
    }
    if (call.call_id() == 0) return (void)connection->Send({reply.SerializeAsString(), {}});
    last_epoch_ = call.epoch();
    if (++calls_ == 1) called_.Notify();
    if (mode_ == Mode::kMute) return;
    if (mode_ == Mode::kRefuse) {
      reply.set_code(static_cast<int>(absl::StatusCode::kFailedPrecondition));
      reply.set_error("expert is not held");
      return (void)connection->Send({reply.SerializeAsString(), {}});
    }
    EXPECT_TRUE(connection->Send({reply.SerializeAsString(), Compute(call, message.payload)}).ok());
  }

  static Payload Compute(const v1::ExpertCallHeader& call, const Payload& payload) {
    const DType wire = DTypeFromWire(call.dtype()).value();
    EXPECT_EQ(payload.size, call.rows() * kHidden * SizeOf(wire));
    std::vector<float> row(kHidden);
    std::vector<std::byte> out(call.expert_ids_size() * kHidden * SizeOf(wire));
    int at = 0;
    for (uint32_t r = 0; r < call.rows(); ++r) {
      for (uint32_t k = 0; k < call.experts_per_row(static_cast<int>(r)); ++k, ++at) {
        ValuesFromWire(payload.data + r * kHidden * SizeOf(wire), kHidden, wire, row.data());
        for (float& x : row) x = Expected(x, static_cast<int>(call.layer()), call.expert_ids(at));
        ValuesToWire(row.data(), kHidden, wire, out.data() + at * kHidden * SizeOf(wire));
      }
    }
    return Payload::Own(std::move(out));
  }

  InprocNetwork* const network_;
  const std::string address_;
  const Mode mode_;
  absl::Notification called_;
  std::atomic<int> calls_ = 0;
  std::atomic<uint64_t> last_epoch_ = 0;
};

// worker id -> experts of kLayer; the address is the worker's id.
std::shared_ptr<const v1::ClusterMap> Map(uint64_t epoch, const std::map<std::string, std::vector<uint32_t>>& holds) {
  auto map = std::make_shared<v1::ClusterMap>();
  map->set_epoch(epoch);
  for (const auto& [id, experts] : holds) {
    v1::Worker* worker = map->add_workers();
    worker->mutable_info()->set_worker_id(id);
    worker->mutable_info()->set_address(id);
    worker->mutable_info()->set_role(v1::ROLE_EXPERT);
    worker->mutable_info()->set_numerics_id(kNumerics);
    v1::ExpertRange* range = worker->add_experts();
    range->set_layer(kLayer);
    range->mutable_experts()->Add(experts.begin(), experts.end());
  }
  return map;
}

struct Batch {
  Batch(int rows, int top_k, int experts, uint32_t seed, DType wire = DType::kBf16) {
    std::mt19937 random(seed);
    for (int i = 0; i < rows * kHidden; ++i) input.push_back(Bf16ToF32(F32ToBf16(static_cast<float>(random() % 1000) / 100 - 5)));
    std::vector<int32_t> all(experts);
    std::iota(all.begin(), all.end(), 0);
    for (int row = 0; row < rows; ++row) {
      std::shuffle(all.begin(), all.end(), random);
      std::sort(all.begin(), all.begin() + top_k);
      ids.insert(ids.end(), all.begin(), all.begin() + top_k);
    }
    wire_input.resize(input.size() * SizeOf(wire));
    ValuesToWire(input.data(), static_cast<int64_t>(input.size()), wire, wire_input.data());
    outputs.assign(rows * top_k, nullptr);
    spec.layer = kLayer;
    spec.rows = rows;
    spec.hidden = kHidden;
    spec.top_k = top_k;
    spec.wire = wire;
    spec.input = wire_input.data();
    spec.expert_ids = ids.data();
    spec.outputs = outputs.data();
  }

  // While the batch's PendingExperts lives.
  void ExpectRight() const {
    std::vector<float> output(kHidden);
    for (int64_t slot = 0; slot < spec.rows * spec.top_k; ++slot) {
      ASSERT_NE(outputs[slot], nullptr) << slot;
      ValuesFromWire(outputs[slot], kHidden, spec.wire, output.data());
      for (int j = 0; j < kHidden; ++j) {
        ASSERT_EQ(output[j], Expected(input[slot / spec.top_k * kHidden + j], kLayer, ids[slot])) << slot;
      }
    }
  }

  std::vector<float> input;
  std::vector<std::byte> wire_input;
  std::vector<const std::byte*> outputs;
  std::vector<int32_t> ids;
  ExpertBatch spec;
};

RouterOptions Options() {
  RouterOptions options;
  options.numerics_id = kNumerics;
  return options;
}

class RouterTest : public ::testing::Test {
 protected:
  FakeShard& Shard(const std::string& id, FakeShard::Mode mode = FakeShard::Mode::kAnswer) {
    shards_.push_back(std::make_unique<FakeShard>(&network_, id, mode));
    return *shards_.back();
  }

  static absl::Status WaitReady(const Router& router, int experts) {
    const absl::Time until = absl::Now() + kPatience;
    absl::Status status;
    while (!(status = router.Ready(kLayer, 1, experts)).ok() && absl::Now() < until) std::this_thread::yield();
    return status;
  }

  std::vector<std::unique_ptr<FakeShard>> shards_;
  prometheus::Registry metrics_;
  InprocNetwork network_;
};

TEST_F(RouterTest, PlacementDoesNotChangeOutputs) {
  for (const DType wire : {DType::kBf16, DType::kF32}) {
    for (uint32_t seed = 0; seed < 12; ++seed) {
      std::mt19937 random(seed);
      const int experts = 8 + random() % 20;
      const int count = 1 + random() % 4;
      std::map<std::string, std::vector<uint32_t>> holds;
      for (int s = 0; s < count; ++s) {
        const std::string id = absl::StrCat(wire == DType::kF32 ? "f" : "b", seed, "-", s);
        Shard(id);
        for (int expert = 0; expert < experts; ++expert) {
          if (expert % count == s || random() % 3 == 0) holds[id].push_back(expert);
        }
      }
      Router router(Options(), &network_, &metrics_);
      router.UpdateMap(Map(1, holds));
      Batch first(1 + random() % 30, 4, experts, seed, wire);
      Batch second(1 + random() % 30, 4, experts, seed + 100, wire);
      const auto a = router.Dispatch(first.spec);
      const auto b = router.Dispatch(second.spec);
      ASSERT_TRUE(b->Wait().ok());
      ASSERT_TRUE(a->Wait().ok());
      first.ExpectRight();
      second.ExpectRight();
    }
  }
}

TEST_F(RouterTest, KilledShardsCallsGoToTheReplica) {
  FakeShard& dying = Shard("a", FakeShard::Mode::kMute);
  FakeShard& other = Shard("b");
  Router router(Options(), &network_, &metrics_);
  router.UpdateMap(Map(6, {{"a", {0, 1, 2, 3}}}));
  Batch batch(10, 2, 4, 1);
  const auto pending = router.Dispatch(batch.spec);
  ASSERT_TRUE(dying.WaitForCall());
  router.UpdateMap(Map(7, {{"a", {0, 1, 2, 3}}, {"b", {0, 1, 2, 3}}}));
  dying.Kill();
  ASSERT_TRUE(pending->Wait().ok());
  batch.ExpectRight();
  EXPECT_EQ(other.last_epoch(), 7u);
  EXPECT_GE(other.calls(), 1);
}

TEST_F(RouterTest, MuteShardTimesOutAndTheReplicaAnswers) {
  FakeShard& mute = Shard("a", FakeShard::Mode::kMute);
  RouterOptions options = Options();
  options.policy.attempt_timeout = absl::Milliseconds(100);
  Router router(options, &network_, &metrics_);
  router.UpdateMap(Map(1, {{"a", {0, 1}}}));
  Batch batch(3, 2, 2, 1);
  const auto pending = router.Dispatch(batch.spec);
  ASSERT_TRUE(mute.WaitForCall());
  Shard("b");
  router.UpdateMap(Map(2, {{"a", {0, 1}}, {"b", {0, 1}}}));
  ASSERT_TRUE(pending->Wait().ok());
  batch.ExpectRight();
}

TEST_F(RouterTest, AStoppedReplicaCostsOneHedgeThenIsLeftAlone) {
  FakeShard& stopped = Shard("a", FakeShard::Mode::kMute);
  FakeShard& other = Shard("b");
  RouterOptions options = Options();
  options.policy.attempt_timeout = absl::Minutes(1);
  options.policy.hedge_unknown = absl::Milliseconds(20);
  Router router(options, &network_, &metrics_);
  router.UpdateMap(Map(1, {{"a", {0, 1}}, {"b", {2, 3}}}));
  ASSERT_TRUE(WaitReady(router, 4).ok());
  router.UpdateMap(Map(2, {{"a", {0, 1, 2, 3}}, {"b", {0, 1, 2, 3}}}));
  for (uint32_t seed = 0; seed < 5; ++seed) {
    Batch batch(5, 4, 4, seed);
    const auto pending = router.Dispatch(batch.spec);
    ASSERT_TRUE(pending->Wait().ok());
    batch.ExpectRight();
  }
  EXPECT_EQ(stopped.calls(), 1);
  EXPECT_GE(other.calls(), 5);
}

TEST_F(RouterTest, RefusingShardIsLeftForTheReplica) {
  FakeShard& refusing = Shard("a", FakeShard::Mode::kRefuse);
  Router router(Options(), &network_, &metrics_);
  router.UpdateMap(Map(1, {{"a", {0, 1}}}));
  Batch batch(3, 2, 2, 1);
  const auto pending = router.Dispatch(batch.spec);
  ASSERT_TRUE(refusing.WaitForCall());
  Shard("b");
  router.UpdateMap(Map(2, {{"a", {0, 1}}, {"b", {0, 1}}}));
  ASSERT_TRUE(pending->Wait().ok());
  batch.ExpectRight();
}

TEST_F(RouterTest, ParksUntilTheOnlyCopyIsBack) {
  FakeShard& first = Shard("a", FakeShard::Mode::kMute);
  Shard("b");
  Router router(Options(), &network_, &metrics_);
  router.UpdateMap(Map(1, {{"a", {0, 1}}, {"b", {2, 3}}}));
  Batch batch(6, 4, 4, 1);
  const auto pending = router.Dispatch(batch.spec);
  ASSERT_TRUE(first.WaitForCall());
  first.Kill();
  router.UpdateMap(Map(2, {{"b", {2, 3}}}));
  EXPECT_FALSE(router.Ready(kLayer, 1, 4).ok());
  Shard("c");
  router.UpdateMap(Map(3, {{"b", {2, 3}}, {"c", {0, 1}}}));
  ASSERT_TRUE(pending->Wait().ok());
  batch.ExpectRight();
}

TEST_F(RouterTest, ReconnectsToARestartedShard) {
  Shard("a").Kill();
  Router router(Options(), &network_, &metrics_);
  router.UpdateMap(Map(1, {{"a", {0, 1}}}));
  Batch batch(6, 2, 2, 1);
  const auto pending = router.Dispatch(batch.spec);
  Shard("a");
  ASSERT_TRUE(pending->Wait().ok());
  batch.ExpectRight();
}

TEST_F(RouterTest, DeadlineNamesLayerAndExpert) {
  Shard("a");
  RouterOptions options = Options();
  options.batch_deadline = absl::Milliseconds(60);
  Router router(options, &network_, &metrics_);
  router.UpdateMap(Map(1, {{"a", {0, 1, 3}}}));
  Batch batch(1, 4, 4, 1);
  const absl::Status status = router.Dispatch(batch.spec)->Wait();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_NE(status.message().find("layer 3 expert 2"), absl::string_view::npos) << status;
}

TEST_F(RouterTest, MuteOnlyCopyEndsAtTheBatchsDeadline) {
  Shard("a", FakeShard::Mode::kMute);
  Router router(Options(), &network_, &metrics_);
  router.UpdateMap(Map(1, {{"a", {0, 1}}}));
  Batch batch(2, 2, 2, 1);
  batch.spec.deadline = absl::Now() + absl::Milliseconds(80);
  const absl::Status status = router.Dispatch(batch.spec)->Wait();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_NE(status.message().find("layer 3 expert 0"), absl::string_view::npos) << status;
}

TEST_F(RouterTest, ReadyNamesWhatIsMissing) {
  Shard("a");
  Router router(Options(), &network_, &metrics_);
  EXPECT_EQ(router.Ready(kLayer, 1, 2).code(), absl::StatusCode::kUnavailable);
  router.UpdateMap(Map(1, {{"a", {0, 1}}}));
  EXPECT_TRUE(WaitReady(router, 2).ok());
  const absl::Status status = router.Ready(kLayer, 1, 3);
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_NE(status.message().find("expert 2"), absl::string_view::npos);
}

TEST_F(RouterTest, OtherNumericsAreNeverUsed) {
  FakeShard& shard = Shard("a");
  RouterOptions options = Options();
  options.numerics_id = "other";
  options.batch_deadline = absl::Milliseconds(60);
  Router router(options, &network_, &metrics_);
  router.UpdateMap(Map(1, {{"a", {0, 1}}}));
  Batch batch(2, 2, 2, 1);
  EXPECT_EQ(router.Dispatch(batch.spec)->Wait().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(shard.calls(), 0);
}

TEST_F(RouterTest, AnOlderMapIsIgnored) {
  Shard("a");
  Router router(Options(), &network_, &metrics_);
  router.UpdateMap(Map(5, {{"a", {0, 1}}}));
  router.UpdateMap(Map(4, {}));
  EXPECT_TRUE(WaitReady(router, 2).ok());
}

TEST_F(RouterTest, DroppedPendingIsForgotten) {
  FakeShard& mute = Shard("a", FakeShard::Mode::kMute);
  Router router(Options(), &network_, &metrics_);
  router.UpdateMap(Map(1, {{"a", {0, 1}}}));
  auto batch = std::make_unique<Batch>(2, 2, 2, 1);
  auto pending = router.Dispatch(batch->spec);
  ASSERT_TRUE(mute.WaitForCall());
  pending.reset();
  batch.reset();
  mute.Kill();
}

TEST_F(RouterTest, RoundTripsAreHiddenOrWaitedFor) {
  const auto seconds = [&] {
    double sum = 0;
    for (const prometheus::MetricFamily& family : metrics_.Collect()) {
      const bool counts = family.name == "baleen_router_hidden_seconds_total" || family.name == "baleen_router_waited_seconds_total";
      for (const prometheus::ClientMetric& metric : family.metric) sum += counts ? metric.counter.value : 0;
    }
    return sum;
  };
  Shard("a");
  Router router(Options(), &network_, &metrics_);
  router.UpdateMap(Map(1, {{"a", {0, 1, 2, 3}}}));
  const absl::Time start = absl::Now();
  Batch batch(5, 4, 4, 1);
  ASSERT_TRUE(router.Dispatch(batch.spec)->Wait().ok());
  const double first = seconds();
  EXPECT_GT(first, 0);
  EXPECT_LE(first, absl::ToDoubleSeconds(absl::Now() - start));
  // What never comes back counts in neither.
  batch.ids.assign(batch.ids.size(), 7);
  batch.spec.deadline = absl::Now() + absl::Milliseconds(20);
  EXPECT_FALSE(router.Dispatch(batch.spec)->Wait().ok());
  EXPECT_EQ(seconds(), first);
}

TEST_F(RouterTest, EmptyBatchIsDone) {
  Router router(Options(), &network_, &metrics_);
  Batch batch(0, 2, 2, 1);
  EXPECT_TRUE(router.Dispatch(batch.spec)->Wait().ok());
}

}  // namespace
}  // namespace baleen
