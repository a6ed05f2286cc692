#include "services/attention/engine/cuda_engine.h"

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/dtype.h"
#include "gtest/gtest.h"
#include "kernels/cuda/base/device.h"
#include "kernels/isa.h"
#include "model/cuda/device_experts.h"
#include "tests/invariance/tiny_checkpoint.h"

namespace baleen {
namespace {

class LostExperts final : public ExpertBackend {
 public:
  std::unique_ptr<PendingExperts> Dispatch(const ExpertBatch&) override { return std::make_unique<Lost>(); }

 private:
  class Lost final : public PendingExperts {
   public:
    absl::Status Wait() override { return absl::InternalError("a shard's"); }
  };
};

class CudaEngineTest : public testing::Test {
 protected:
  void SetUp() override {
    if (const std::string problem = cuda::DeviceProblem(); !problem.empty()) GTEST_SKIP() << problem;
    const std::string directory = WriteTinyCheckpoint("cuda_engine", TinyOptions::ForGpu());
    config_ = *ModelConfig::Load(directory);
    checkpoint_ = *Checkpoint::Open(directory);
    options_.numerics = {DType::kBf16, BestIsa(), cuda::DeviceIsEmulated() ? Device::kCudaEmulated : Device::kCuda};
    options_.on_device_failure = [this](const absl::Status& failure) { failures_.push_back(failure); };
  }

  // Of two tokens.
  absl::Status Step() {
    const auto engine = LoadCudaEngine(*checkpoint_, config_, options_);
    EXPECT_TRUE(engine.ok()) << engine.status();
    const std::unique_ptr<BlockPool> kv = (*engine)->NewKvPool((*engine)->kv_shape().BlockBytes());
    const std::vector<BlockId> blocks = *kv->Allocate(1);
    const std::vector<int32_t> tokens = {1, 2};
    std::vector<float> logits;
    LostExperts experts;
    return (*engine)->Step({{blocks, 0, tokens, 1}}, *kv, experts, {}, &logits);
  }
  std::string Problem(const std::function<void(ModelConfig*)>& change) {
    ModelConfig config = config_;
    change(&config);
    const absl::Status status = LoadCudaEngine(*checkpoint_, config, options_).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    return std::string(status.message());
  }

  ModelConfig config_;
  std::unique_ptr<Checkpoint> checkpoint_;
  EngineOptions options_;
  std::vector<absl::Status> failures_;
};

TEST_F(CudaEngineTest, WhatALauncherRefusesIsTheDevicesFailure) {
  const std::vector<ExpertId> experts = RoutedExperts(config_, 0, static_cast<int>(config_.num_hidden_layers));
  const auto for_one_row = DeviceExperts::Load(*checkpoint_, config_, experts, options_.numerics, 1);
  ASSERT_TRUE(for_one_row.ok()) << for_one_row.status();
  options_.device_experts = for_one_row->get();
  const absl::Status status = Step();
  EXPECT_EQ(status.code(), absl::StatusCode::kInternal) << status;
  EXPECT_EQ(failures_, std::vector<absl::Status>{status});
}

TEST_F(CudaEngineTest, LostExpertsAreNot) {
  EXPECT_EQ(Step(), absl::InternalError("a shard's"));
  EXPECT_TRUE(failures_.empty());
}

TEST_F(CudaEngineTest, SizesThatKernelsRefuseAreNamedAtStart) {
  EXPECT_EQ(Problem([](ModelConfig* config) { config->hidden_size = 16400; }), "hidden_size is 16400; on a GPU at most 16384");
  EXPECT_EQ(Problem([](ModelConfig* config) { config->q_lora_rank = 16400; }), "q_lora_rank is 16400; on a GPU at most 16384");
  EXPECT_EQ(Problem([](ModelConfig* config) { config->kv_lora_rank = 1088; }), "Mla: latent is 1088, at most 1024");
  EXPECT_EQ(Problem([](ModelConfig* config) { config->qk_rope_head_dim = 264; }), "Mla: rope is 264, at most 256");
  EXPECT_EQ(Problem([](ModelConfig* config) { config->num_attention_heads = 1028; }), "Mla: heads is 1028, at most 1024");
  EXPECT_EQ(Problem([](ModelConfig* config) { config->n_routed_experts = 516; }), "Gate: experts is 516, at most 512");
  EXPECT_EQ(Problem([](ModelConfig* config) {
              config->n_routed_experts = 64;
              config->num_experts_per_tok = 33;
            }),
            "Gate: top_k is 33, at most 32");
  EXPECT_EQ(Problem([](ModelConfig* config) { config->n_routed_experts = config->n_group = 64; }), "Gate: groups is 64, at most 32");
}

}  // namespace
}  // namespace baleen
