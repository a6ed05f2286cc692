#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <memory>

#include "model/checkpoint/checkpoint.h"
#include "model/config/model_config.h"
#include "model/tokenizer/tokenizer.h"
#include "tools/make_checkpoint/byte_tokenizer.h"
#include "tools/make_checkpoint/random_fill.h"
#include "tools/make_checkpoint/shapes.h"
#include "tools/make_checkpoint/tensor_plan.h"
#include "tools/make_checkpoint/write_checkpoint.h"

namespace baleen {
namespace {

using testing::ElementsAre;

// A shape small enough to write in a test.
ModelConfig Tiny(bool fp8) {
  ModelConfig config = ShapeNamed("small", 4, fp8).value();
  config.vocab_size = 320;
  config.hidden_size = 192;
  config.intermediate_size = 256;
  config.moe_intermediate_size = 64;
  config.num_hidden_layers = 2;
  config.num_attention_heads = 2;
  config.q_lora_rank = 64;
  config.kv_lora_rank = 64;
  return config;
}

std::string FreshDirectory(const std::string& name) {
  const std::string directory = testing::TempDir() + "/" + name;
  std::filesystem::remove_all(directory);
  return directory;
}

TEST(Shapes, AreTheNamedOnes) {
  const ModelConfig mid = ShapeNamed("mid", 0, false).value();
  EXPECT_EQ(mid.hidden_size, 2048);
  EXPECT_EQ(mid.n_routed_experts, 32);
  EXPECT_EQ(mid.kv_width(), 576);
  EXPECT_TRUE(ShapeNamed("v3-slice", 32, true).value().fp8);
  EXPECT_NEAR(ShapeNamed("v3-slice", 32, true).value().SoftmaxScale(), 0.1352337788608801, 1e-12);
  EXPECT_EQ(ShapeNamed("huge", 0, false).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ShapeNamed("v3-slice", 33, false).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(Shapes, ExpertsFillTheBudget) {
  EXPECT_EQ(ExpertsThatFit(0, false), 16);
  EXPECT_EQ(ExpertsThatFit(int64_t{1} << 50, false), 256);
  const int64_t experts = ExpertsThatFit(int64_t{12} << 30, true);
  ASSERT_GT(experts, 16);
  ASSERT_LT(experts, 256);
  EXPECT_LE(TotalBytes(PlanTensors(ShapeNamed("v3-slice", experts, true).value())), int64_t{12} << 30);
  EXPECT_GT(TotalBytes(PlanTensors(ShapeNamed("v3-slice", experts + 8, true).value())), int64_t{12} << 30);
}

// V3's published inventory without its MTP layer: the element count of model spec section 1.
TEST(TensorPlan, CountsV3sParameters) {
  ModelConfig config = ShapeNamed("v3-slice", 256, false).value();
  config.num_hidden_layers = 61;
  config.first_k_dense_replace = 3;
  int64_t elements = 0;
  for (const PlannedTensor& tensor : PlanTensors(config)) elements += tensor.Elements();
  EXPECT_EQ(elements, 671026419200);
}

TEST(TensorPlan, ScalesAreRaggedBlocks) {
  for (const PlannedTensor& tensor : PlanTensors(ShapeNamed("v3-slice", 16, true).value())) {
    if (tensor.name == "model.layers.0.self_attn.kv_a_proj_with_mqa.weight_scale_inv") {
      EXPECT_THAT(tensor.shape, ElementsAre(5, 56));
      return;
    }
  }
  FAIL() << "no scale of kv_a_proj_with_mqa";
}

TEST(RandomFill, IsNormalAndDependsOnSeedNameAndIndexOnly) {
  const PlannedTensor a = {"a", DType::kF32, {1 << 16}, TensorRole::kMatrix};
  const PlannedTensor b = {"b", DType::kF32, {1 << 16}, TensorRole::kMatrix};
  const auto values = [](const RandomFill& fill, const PlannedTensor& tensor, int64_t first, int64_t count) {
    std::vector<float> out(static_cast<size_t>(count));
    fill.Fill(tensor, first, count, reinterpret_cast<std::byte*>(out.data()));
    return out;
  };
  const RandomFill fill(7);
  const std::vector<float> all = values(fill, a, 0, 1 << 16);
  double sum = 0, squares = 0;
  for (const float value : all) {
    sum += value;
    squares += static_cast<double>(value) * value;
  }
  EXPECT_NEAR(sum / (1 << 16), 0, 3e-4);
  EXPECT_NEAR(std::sqrt(squares / (1 << 16)), 0.02, 2e-4);
  const std::vector<float> part = values(fill, a, 1000, 50);
  EXPECT_TRUE(std::equal(part.begin(), part.end(), all.begin() + 1000));
  EXPECT_NE(values(fill, b, 0, 8), values(fill, a, 0, 8));
  EXPECT_NE(values(RandomFill(8), a, 0, 8), values(fill, a, 0, 8));
}

TEST(WriteCheckpoint, LoadsAgain) {
  for (const bool fp8 : {false, true}) {
    const std::string directory = FreshDirectory(fp8 ? "fp8" : "bf16");
    const ModelConfig config = Tiny(fp8);
    int64_t last = 0, total = 1;
    ASSERT_TRUE(WriteCheckpoint(config, 3, directory, [&](int64_t written, int64_t all) {
                  last = written;
                  total = all;
                }).ok());
    EXPECT_EQ(last, total);
    const absl::StatusOr<ModelConfig> loaded = ModelConfig::Load(directory);
    ASSERT_TRUE(loaded.ok()) << loaded.status();
    EXPECT_EQ(loaded->fp8, fp8);
    const auto checkpoint = Checkpoint::Open(directory).value();
    for (const PlannedTensor& tensor : PlanTensors(*loaded)) {
      EXPECT_TRUE(checkpoint->Get(tensor.name, tensor.shape).ok()) << tensor.name;
    }
    EXPECT_EQ(checkpoint->BytesRead(), total);
    const WeightView view = checkpoint->GetWeight("model.layers.0.mlp.up_proj.weight", 256, 192).value();
    std::vector<float> values(256 * 192);
    Dequantize(view, values.data());
    double squares = 0;
    for (const float value : values) squares += static_cast<double>(value) * value;
    EXPECT_NEAR(std::sqrt(squares / static_cast<double>(values.size())), 0.02, 5e-4);
    EXPECT_EQ(WriteCheckpoint(config, 3, directory, nullptr).code(), absl::StatusCode::kAlreadyExists);
  }
}

TEST(ByteTokenizer, IsOneOurTokenizerReads) {
  const absl::StatusOr<std::unique_ptr<Tokenizer>> tokenizer = Tokenizer::FromJson(ByteTokenizerJson(), "tokenizer.json");
  ASSERT_TRUE(tokenizer.ok()) << tokenizer.status();
  const std::vector<int32_t> ids = (*tokenizer)->Encode("<｜User｜>a\n", AddedTokens::kMatch);
  EXPECT_THAT(ids, ElementsAre(261, 3 + 'a', 3 + '\n'));
  EXPECT_EQ((*tokenizer)->Decode(ids, false), "<｜User｜>a\n");
}

}  // namespace
}  // namespace baleen
