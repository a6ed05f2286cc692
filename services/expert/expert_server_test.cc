// Two shards of the shipped checkpoint, placement and a router, over gRPC on loopback.
#include "services/expert/expert_server.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <functional>
#include <numeric>
#include <random>
#include <thread>

#include "kernels/cuda/base/device.h"
#include "kernels/isa.h"
#include "model/checkpoint/checkpoint.h"
#include "model/config/model_config.h"
#include "model/cuda/device_expert_weights.h"
#include "model/cuda/expert_lane.h"
#include "model/cuda/pinned_pool.h"
#include "model/layers/expert_compute.h"
#include "model/layers/numerics.h"
#include "model/weights/expert_weights.h"
#include "services/common/server_runner.h"
#include "services/placement/placement_client.h"
#include "services/placement/placement_server.h"
#include "services/router/router.h"
#include "transport/grpc/grpc_connector.h"

namespace baleen {
namespace {

constexpr char kModel[] = "checkpoints/abacus";
constexpr absl::Duration kPatience = absl::Seconds(20);

template <typename Condition>
bool WaitFor(Condition condition) {
  const absl::Time until = absl::Now() + kPatience;
  while (!condition()) {
    if (absl::Now() > until) return false;
    std::this_thread::yield();
  }
  return true;
}

using LocalCompute = std::function<void(int layer, absl::Span<const ExpertSlot> slots)>;

class ExpertServerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const absl::StatusOr<ModelConfig> config = ModelConfig::Load(kModel);
    ASSERT_TRUE(config.ok()) << config.status();
    config_ = *config;
    layers_ = static_cast<int>(config_.num_hidden_layers - config_.first_k_dense_replace);
    placement_ = std::make_unique<PlacementServer>(ServerOptions{.role = "placement"},
                                                   PlacementOptions{.cluster = {.assignment = {.expected_shards = 2, .replicas = 2}}});
    ASSERT_TRUE(placement_->Start().ok());
  }

  std::unique_ptr<ExpertServer> StartShard() {
    auto server = ExpertServer::Start(ServerOptions{.role = "expert"}, {.worker = {.model_directory = kModel,
                                                                                   .device = numerics_.device,
                                                                                   .dtype = "bf16",
                                                                                   .threads = 1,
                                                                                   .placement_address = placement_->address()}});
    EXPECT_TRUE(server.ok()) << server.status();
    return server.ok() ? *std::move(server) : nullptr;
  }

  std::unique_ptr<PlacementClient> Watch(Router* router) {
    PlacementClientOptions options;
    options.address = placement_->address();
    options.worker.set_worker_id("watcher");
    options.worker.set_role(v1::ROLE_GATEWAY);
    options.worker.set_address("127.0.0.1:1");
    options.worker.set_numerics_id(numerics_.Id());
    options.worker.set_model_id("abacus");
    options.report = [](v1::HeartbeatRequest*) {};
    options.on_map = [router](std::shared_ptr<const v1::ClusterMap> map) { router->UpdateMap(std::move(map)); };
    return std::make_unique<PlacementClient>(std::move(options));
  }

  // And a router that sees both.
  void StartTwoShards() {
    first_ = StartShard();
    second_ = StartShard();
    ASSERT_TRUE(first_ != nullptr && second_ != nullptr);
    router_ = std::make_unique<Router>(RouterOptions{.numerics_id = numerics_.Id()}, &connector_, nullptr);
    watch_ = Watch(router_.get());
    ASSERT_TRUE(WaitFor([&] { return RouterReady(*router_).ok(); })) << RouterReady(*router_);
    ASSERT_TRUE(WaitFor([&] { return first_->Ready().ok() && second_->Ready().ok(); }));
  }

  int first_layer() const { return static_cast<int>(config_.first_k_dense_replace); }
  int LayerOf(uint32_t seed) const { return first_layer() + static_cast<int>(seed) % layers_; }
  absl::Status RouterReady(const Router& router) const {
    return router.Ready(first_layer(), layers_, static_cast<int>(config_.n_routed_experts));
  }

  // Routed and local outputs of one random batch must be the same bits.
  void ExpectSameBits(Router* router, const LocalCompute& local, int layer, uint32_t seed) {
    std::mt19937 random(seed);
    const int64_t rows = 1 + random() % 20;
    const int top_k = static_cast<int>(config_.num_experts_per_tok);
    const int64_t row_bytes = config_.hidden_size * static_cast<int64_t>(sizeof(Bf16));
    std::vector<Bf16> values(rows * config_.hidden_size);
    for (Bf16& x : values) x = F32ToBf16(static_cast<float>(random() % 2001) / 1000 - 1);
    const auto* const input = reinterpret_cast<const std::byte*>(values.data());
    std::vector<int32_t> all(config_.n_routed_experts);
    std::iota(all.begin(), all.end(), 0);
    std::vector<int32_t> ids;
    for (int64_t row = 0; row < rows; ++row) {
      std::shuffle(all.begin(), all.end(), random);
      std::sort(all.begin(), all.begin() + top_k);
      ids.insert(ids.end(), all.begin(), all.begin() + top_k);
    }
    std::vector<const std::byte*> outputs(ids.size());
    const ExpertBatch batch{.layer = layer,
                            .rows = rows,
                            .hidden = config_.hidden_size,
                            .top_k = top_k,
                            .input = input,
                            .expert_ids = ids.data(),
                            .outputs = outputs.data()};
    const auto pending = router->Dispatch(batch);
    const absl::Status status = pending->Wait();
    ASSERT_TRUE(status.ok()) << status;
    const auto expected = OutputMemory(ids.size() * row_bytes);
    ASSERT_TRUE(expected.ok()) << expected.status();
    std::vector<ExpertSlot> slots;
    for (size_t i = 0; i < ids.size(); ++i) {
      slots.push_back({static_cast<uint32_t>(ids[i]), input + i / top_k * row_bytes, expected->get() + i * row_bytes});
    }
    local(layer, slots);
    for (size_t i = 0; i < ids.size(); ++i) {
      EXPECT_EQ(std::memcmp(outputs[i], slots[i].output, row_bytes), 0) << "expert " << ids[i] << " of row " << i / top_k;
    }
  }

  // Pinned where there is a device, which writes nowhere else.
  absl::StatusOr<std::shared_ptr<std::byte[]>> OutputMemory(size_t bytes) {
    if (!cuda::DeviceProblem().empty()) return std::make_shared<std::byte[]>(bytes);
    return pinned_.Take(bytes);
  }

  // What shards and this test compute in.
  Numerics numerics_{.compute = DType::kBf16, .isa = BestIsa()};
  PinnedPool pinned_{1 << 20};
  ModelConfig config_;
  int layers_ = 0;
  std::unique_ptr<PlacementServer> placement_;
  std::unique_ptr<ExpertServer> first_;
  std::unique_ptr<ExpertServer> second_;
  GrpcConnector connector_;
  std::unique_ptr<Router> router_;
  std::unique_ptr<PlacementClient> watch_;
};

TEST_F(ExpertServerTest, ShardsGiveTheBitsOfOneProcessAndOneMayLeave) {
  StartTwoShards();
  if (HasFatalFailure()) return;
  const auto checkpoint = Checkpoint::Open(kModel);
  ASSERT_TRUE(checkpoint.ok());
  const auto weights = ExpertWeights::Load(**checkpoint, config_, RoutedExperts(config_, 0, config_.num_hidden_layers), numerics_);
  ASSERT_TRUE(weights.ok());
  const LocalCompute local = [&](int layer, absl::Span<const ExpertSlot> slots) {
    ComputeExperts(**weights, layer, slots, DType::kBf16, nullptr);
  };
  for (uint32_t seed = 0; seed < 8; ++seed) ExpectSameBits(router_.get(), local, LayerOf(seed), seed);
  first_.reset();
  for (uint32_t seed = 8; seed < 12; ++seed) ExpectSameBits(router_.get(), local, first_layer(), seed);
}

TEST_F(ExpertServerTest, ShardsOnADeviceGiveItsBitsWhileExpertsMove) {
  if (const std::string problem = cuda::DeviceProblem(); !problem.empty()) GTEST_SKIP() << problem;
  numerics_.device = cuda::DeviceIsEmulated() ? Device::kCudaEmulated : Device::kCuda;
  StartTwoShards();
  if (HasFatalFailure()) return;
  const auto checkpoint = Checkpoint::Open(kModel);
  ASSERT_TRUE(checkpoint.ok());
  const auto format = ExpertFormat::Of(config_, numerics_.compute);
  ASSERT_TRUE(format.ok()) << format.status();
  const auto weights = DeviceExpertWeights::Load(**checkpoint, config_, RoutedExperts(config_, 0, config_.num_hidden_layers), *format);
  ASSERT_TRUE(weights.ok()) << weights.status();
  const auto lane = ExpertLane::Create(*format, 64);
  ASSERT_TRUE(lane.ok()) << lane.status();
  const LocalCompute local = [&](int layer, absl::Span<const ExpertSlot> slots) {
    const absl::Status status = (*lane)->Compute(*(*weights)->Layer(layer), slots);
    ASSERT_TRUE(status.ok()) << status;
  };
  uint32_t seed = 0;
  for (; seed < 8; ++seed) ExpectSameBits(router_.get(), local, LayerOf(seed), seed);
  auto third = StartShard();
  ASSERT_TRUE(third != nullptr);
  ASSERT_TRUE(WaitFor([&] {
    ++seed;
    ExpectSameBits(router_.get(), local, LayerOf(seed), seed);
    return third->Ready().ok();
  }));
  first_.reset();
  for (const uint32_t end = seed + 8; seed < end; ++seed) ExpectSameBits(router_.get(), local, LayerOf(seed), seed);
}

TEST_F(ExpertServerTest, WrongOptionsAreNamed) {
  const auto start = [&](const ExpertOptions& options) { return ExpertServer::Start(ServerOptions{.role = "expert"}, options).status(); };
  ExpertOptions options{.worker = {.model_directory = kModel, .threads = 1, .placement_address = "127.0.0.1:1"}};
  WorkerOptions& worker = options.worker;
  worker.dtype = "int3";
  EXPECT_NE(start(options).message().find("--dtype=int3"), absl::string_view::npos);
  worker.dtype = "f32";
  worker.device = Device::kCuda;
  EXPECT_NE(start(options).message().find("--dtype=f32"), absl::string_view::npos);
  worker.dtype = "auto";
  worker.device = Device::kCpu;
  options.device_memory_mib = -1;
  EXPECT_NE(start(options).message().find("--device_memory_mib=-1"), absl::string_view::npos);
  options.device_memory_mib = 0;
  worker.threads = -1;
  EXPECT_NE(start(options).message().find("--threads"), absl::string_view::npos);
  worker.threads = 1;
  worker.model_directory = "no/such/model";
  EXPECT_NE(start(options).message().find("no/such/model"), absl::string_view::npos);
  worker.model_directory = "";
  EXPECT_NE(start(options).message().find("--model"), absl::string_view::npos);
  worker.model_directory = kModel;
  worker.placement_address = "";
  EXPECT_NE(start(options).message().find("--placement"), absl::string_view::npos);
}

TEST_F(ExpertServerTest, NotReadyWithoutPlacement) {
  const auto server = ExpertServer::Start(ServerOptions{.role = "expert"},
                                          {.worker = {.model_directory = kModel, .threads = 1, .placement_address = "127.0.0.1:1"}});
  ASSERT_TRUE(server.ok());
  EXPECT_EQ((*server)->Ready().code(), absl::StatusCode::kUnavailable);
  (*server)->RequestStop();
  EXPECT_EQ((*server)->RunUntilTerminated(), 0);
}

}  // namespace
}  // namespace baleen
