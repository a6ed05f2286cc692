// Loading from a checkpoint: which tensors are read, and what is said when one is wrong.
#include <fstream>
#include <string>

#include "gtest/gtest.h"
#include "model/weights/expert_weights.h"
#include "model/weights/network_weights.h"
#include "tests/invariance/tiny_checkpoint.h"

namespace baleen {
namespace {

constexpr Numerics kNumerics = {DType::kF32, Isa::kReference};

class WeightsLoadTest : public testing::Test {
 protected:
  void Open(const TinyOptions& options) {
    const std::string directory = WriteTinyCheckpoint("weights_load", options);
    auto config = ModelConfig::Load(directory);
    ASSERT_TRUE(config.ok()) << config.status();
    config_ = *config;
    auto checkpoint = Checkpoint::Open(directory);
    ASSERT_TRUE(checkpoint.ok()) << checkpoint.status();
    checkpoint_ = *std::move(checkpoint);
  }

  std::vector<std::string> ReadNames() const {
    std::vector<std::string> names;
    for (const TensorDigestEntry& entry : checkpoint_->Digests()) names.push_back(entry.name);
    return names;
  }

  ModelConfig config_;
  std::unique_ptr<Checkpoint> checkpoint_;
};

TEST_F(WeightsLoadTest, ExpertsReadOnlyTheirTensors) {
  Open({});
  const auto weights = ExpertWeights::Load(*checkpoint_, config_, {{2, 5}, {1, 0}, {2, 5}}, kNumerics);
  ASSERT_TRUE(weights.ok()) << weights.status();
  EXPECT_EQ(ReadNames(),
            (std::vector<std::string>{"model.layers.1.mlp.experts.0.down_proj.weight", "model.layers.1.mlp.experts.0.gate_proj.weight",
                                      "model.layers.1.mlp.experts.0.up_proj.weight", "model.layers.2.mlp.experts.5.down_proj.weight",
                                      "model.layers.2.mlp.experts.5.gate_proj.weight", "model.layers.2.mlp.experts.5.up_proj.weight"}));
  EXPECT_EQ(checkpoint_->BytesRead(), 6 * config_.hidden_size * config_.moe_intermediate_size * 2);
  EXPECT_EQ((*weights)->Ids(), (std::vector<ExpertId>{{1, 0}, {2, 5}}));
  EXPECT_TRUE((*weights)->Has({2, 5}));
  EXPECT_FALSE((*weights)->Has({1, 5}));
  EXPECT_EQ((*weights)->hidden(), config_.hidden_size);
}

TEST_F(WeightsLoadTest, MtpNeedsItsTensors) {
  Open({});
  const absl::Status missing = NetworkWeights::Load(*checkpoint_, config_, kNumerics, true).status();
  EXPECT_NE(missing.message().find("model.layers.3.hnorm.weight"), absl::string_view::npos) << missing;
  config_.num_nextn_predict_layers = 0;
  const absl::Status absent = NetworkWeights::Load(*checkpoint_, config_, kNumerics, true).status();
  EXPECT_EQ(absent.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_NE(absent.message().find("num_nextn_predict_layers"), absl::string_view::npos) << absent;
}

TEST_F(WeightsLoadTest, NetworkReadsNeitherExpertsNorMtp) {
  Open({});
  const auto weights = NetworkWeights::Load(*checkpoint_, config_, kNumerics);
  ASSERT_TRUE(weights.ok()) << weights.status();
  for (const std::string& name : ReadNames()) {
    EXPECT_EQ(name.find(".experts."), std::string::npos) << name;
    EXPECT_EQ(name.find("model.layers.3."), std::string::npos) << name;
  }
  EXPECT_EQ(checkpoint_->Names().size(), ReadNames().size() + 2 * 8 * 3 + 1);
  ASSERT_EQ(weights->layers.size(), 3u);
  EXPECT_TRUE(weights->layers[0].dense.has_value());
  EXPECT_FALSE(weights->layers[0].gate.has_value());
  EXPECT_TRUE(weights->layers[1].gate.has_value());
  EXPECT_TRUE(weights->layers[2].shared.has_value());
}

TEST_F(WeightsLoadTest, NoSuchExpertIsRefused) {
  Open({});
  for (const ExpertId id : {ExpertId{0, 0}, ExpertId{1, 8}, ExpertId{4, 0}, ExpertId{-1, 0}, ExpertId{1, -1}}) {
    const auto weights = ExpertWeights::Load(*checkpoint_, config_, {id}, kNumerics);
    EXPECT_EQ(weights.status().code(), absl::StatusCode::kInvalidArgument) << id.layer << " " << id.expert;
  }
}

TEST_F(WeightsLoadTest, MissingAndMisshapenTensorsAreNamed) {
  Open({});
  ModelConfig other = config_;
  other.q_lora_rank = 0;
  const absl::Status missing = NetworkWeights::Load(*checkpoint_, other, kNumerics).status();
  EXPECT_NE(missing.message().find("model.layers.0.self_attn.q_proj.weight"), absl::string_view::npos) << missing;
  other = config_;
  other.v_head_dim += 1;
  const absl::Status misshapen = NetworkWeights::Load(*checkpoint_, other, kNumerics).status();
  EXPECT_NE(misshapen.message().find("model.layers.0.self_attn.kv_b_proj.weight"), absl::string_view::npos) << misshapen;
}

TEST_F(WeightsLoadTest, EmbeddingRowsAreTheStoredValues) {
  TinyOptions tied;
  tied.tie_word_embeddings = true;
  Open(tied);
  EXPECT_FALSE(checkpoint_->Has("lm_head.weight"));
  const auto weights = NetworkWeights::Load(*checkpoint_, config_, kNumerics);
  ASSERT_TRUE(weights.ok()) << weights.status();
  const auto stored = checkpoint_->Get("model.embed_tokens.weight", {config_.vocab_size, config_.hidden_size});
  ASSERT_TRUE(stored.ok());
  std::vector<float> row(config_.hidden_size);
  weights->embedding.Lookup(129, row.data());
  const Bf16* expected = reinterpret_cast<const Bf16*>(stored->data) + 129 * config_.hidden_size;
  for (int64_t i = 0; i < config_.hidden_size; ++i) ASSERT_EQ(row[i], Bf16ToF32(expected[i])) << i;
  EXPECT_EQ(weights->lm_head.outputs(), config_.vocab_size);
}

}  // namespace
}  // namespace baleen
