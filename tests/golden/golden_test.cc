// The whole network against transformers: seven checkpoints, every instruction set that this CPU has, F32 and BF16; and INT8 and FP8
// weights against BF16.
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "absl/types/span.h"
#include "base/status_macros.h"
#include "base/thread_pool.h"
#include "kernels/cuda/base/device.h"
#include "kernels/isa.h"
#include "kernels/mla_attention.h"
#include "model/checkpoint/checkpoint.h"
#include "model/config/model_config.h"
#include "model/layers/numerics.h"
#include "services/attention/engine/engine.h"
#include "services/attention/engine/whole_model.h"
#include "services/kv/cache/block_pool.h"
#include "tests/golden/golden_file.h"
#include "tests/golden/logits_compare.h"

namespace baleen {
namespace {

constexpr int64_t kMaxTokens = 256;

struct GoldenCase {
  std::string name;       // Of the folder with golden.safetensors.
  std::string directory;  // The checkpoint.
  Isa isa = Isa::kReference;
};

std::ostream& operator<<(std::ostream& out, const GoldenCase& c) { return out << c.name << " on " << NameOf(c.isa); }

// One process's model.
struct Model {
  std::unique_ptr<ThreadPool> pool;
  std::unique_ptr<Checkpoint> checkpoint;
  std::optional<WholeModel> network;
};

absl::StatusOr<Model> LoadModel(const std::string& directory, const ModelConfig& config, const Numerics& numerics) {
  Model model;
  model.pool = std::make_unique<ThreadPool>(1);
  ASSIGN_OR_RETURN(model.checkpoint, Checkpoint::Open(directory));
  EngineOptions options;
  options.numerics = numerics;
  options.max_batch_tokens = kMaxTokens;
  ASSIGN_OR_RETURN(model.network, WholeModel::Load(*model.checkpoint, config, options, model.pool.get()));
  return model;
}

absl::StatusOr<std::vector<float>> RunSequence(Model& model, const std::vector<int32_t>& tokens) {
  Engine& engine = model.network->engine();
  const KvShape shape = engine.kv_shape();
  const int64_t blocks_needed = (static_cast<int64_t>(tokens.size()) + kKvBlockTokens - 1) / kKvBlockTokens;
  const std::unique_ptr<BlockPool> kv_pool = engine.NewKvPool(blocks_needed * shape.BlockBytes());
  BlockPool& kv = *kv_pool;
  ASSIGN_OR_RETURN(const std::vector<BlockId> blocks, kv.Allocate(blocks_needed));
  SequenceStep step;
  step.blocks = blocks;
  step.tokens = tokens;
  step.logits_count = static_cast<int64_t>(tokens.size());
  std::vector<float> logits;
  RETURN_IF_ERROR(engine.Step({step}, kv, model.network->experts(), StepOptions(), &logits));
  return logits;
}

class GoldenTest : public testing::TestWithParam<GoldenCase> {
 protected:
  void SetUp() override {
    absl::StatusOr<ModelConfig> config = ModelConfig::Load(GetParam().directory);
    ASSERT_TRUE(config.ok()) << config.status();
    config_ = *std::move(config);
    absl::StatusOr<Golden> golden = LoadGolden("tests/golden/" + GetParam().name + "/golden.safetensors", config_.vocab_size);
    ASSERT_TRUE(golden.ok()) << golden.status();
    golden_ = *std::move(golden);
  }

  // Logits of every golden sequence.
  std::vector<std::vector<float>> Run(DType compute, Device device = Device::kCpu) {
    absl::StatusOr<Model> model = LoadModel(GetParam().directory, config_, {compute, GetParam().isa, device});
    EXPECT_TRUE(model.ok()) << model.status();
    std::vector<std::vector<float>> all;
    for (size_t i = 0; model.ok() && i < golden_.sequences.size(); ++i) {
      absl::StatusOr<std::vector<float>> logits = RunSequence(*model, golden_.sequences[i].tokens);
      EXPECT_TRUE(logits.ok()) << logits.status();
      if (!logits.ok() || logits->size() != golden_.sequences[i].logits.size()) break;
      all.push_back(*std::move(logits));
    }
    return all;
  }

  // As far from transformers' F32 as its own BF16 is.
  void ExpectAsCloseAsTransformersOwn(const std::vector<std::vector<float>>& logits) {
    ASSERT_EQ(logits.size(), golden_.sequences.size());
    const LogitsDistance distance = Distance(golden_, logits);
    // One position is as fine as the measure goes, and transformers may disagree at none.
    size_t positions = 0;
    for (const GoldenSequence& sequence : golden_.sequences) positions += sequence.tokens.size();
    const double one = 1.0 / static_cast<double>(positions);
    EXPECT_LE(distance.top1_disagreement, std::max(1.2 * golden_.transformers_bf16.top1_disagreement, one));
    EXPECT_LE(distance.mean_kl, 1.2 * golden_.transformers_bf16.mean_kl);
    if (GetParam().name == "abacus") {
      EXPECT_LE(distance.top1_disagreement, 0.01);
    }
    RecordProperty("top1_disagreement", std::to_string(distance.top1_disagreement));
    RecordProperty("mean_kl", std::to_string(distance.mean_kl));
  }

  ModelConfig config_;
  Golden golden_;
};

TEST_P(GoldenTest, F32LogitsAreThoseOfTransformers) {
  const std::vector<std::vector<float>> logits = Run(DType::kF32);
  ASSERT_EQ(logits.size(), golden_.sequences.size());
  int64_t positions = 0, far = 0;
  double worst = 0;
  for (size_t s = 0; s < logits.size(); ++s) {
    const std::vector<PositionError> errors = PositionErrors(golden_.sequences[s], logits[s]);
    for (size_t t = 0; t < errors.size(); ++t, ++positions) {
      worst = std::max(worst, errors[t].relative_error);
      if (errors[t].relative_error <= 2e-4) continue;
      ++far;
      // Only a choice that rounding can turn may differ.
      EXPECT_LT(errors[t].gate_gap, 1e-5) << "sequence " << s << " position " << t << " is off by " << errors[t].relative_error;
    }
  }
  EXPECT_LE(static_cast<double>(far), 0.001 * static_cast<double>(positions))
      << "worst " << worst << "; new abacus weights need make_goldens.py abacus";
  RecordProperty("worst_relative_error", std::to_string(worst));
}

TEST_P(GoldenTest, Bf16IsAsCloseAsTransformersOwn) { ExpectAsCloseAsTransformersOwn(Run(DType::kBf16)); }

// Eight bits move each product by more than BF16 does, and KL grows with the square of that. Root mean squares in percent of a value: BF16
// 0.11 on either side; INT8 0.6 on either side (a block's greatest is about 2.7 deviations, in 127 steps); E4M3 2.6 on weights alone. So a
// network of random weights, whose gates are near ties and amplify what they get, may move (0.6 / 0.11)^2 and (2.6 / 0.11)^2 / 2 times as
// far as transformers' BF16 moved it. What was trained must meet the bar itself.
constexpr double kTrainedKl = 1e-2;
constexpr int32_t kAbacusAssistant = 262;  // Its tokenizer's <｜Assistant｜>.
constexpr double kInt8Noise = 29;
constexpr double kFp8Noise = 265;

TEST_P(GoldenTest, EightBitWeightsStayCloseToBf16) {
  Golden bf16 = golden_;
  const std::vector<std::vector<float>> expected = Run(DType::kBf16);
  ASSERT_EQ(expected.size(), golden_.sequences.size());
  for (size_t i = 0; i < expected.size(); ++i) bf16.sequences[i].logits = expected[i];
  const bool trained = GetParam().name == "abacus";
  for (const DType compute : {DType::kI8, DType::kF8E4m3}) {
    SCOPED_TRACE(NameOf(compute));
    const std::vector<std::vector<float>> logits = Run(compute);
    ASSERT_EQ(logits.size(), expected.size());
    const LogitsDistance distance = Distance(bf16, logits);
    const double noise = compute == DType::kI8 ? kInt8Noise : kFp8Noise;
    EXPECT_LE(distance.mean_kl, trained ? kTrainedKl : noise * golden_.transformers_bf16.mean_kl);
    // One byte a weight is all that an FP8 checkpoint holds: nothing is lost, to the bit.
    if (compute == DType::kF8E4m3 && config_.fp8) {
      EXPECT_EQ(logits, expected);
    }
    // What a question says next is anybody's guess, and nothing that abacus was trained on.
    if (trained) {
      EXPECT_LE(DistanceAfter(kAbacusAssistant, bf16, logits).top1_disagreement, 0.01);
    }
    RecordProperty(std::string("top1_disagreement_") + NameOf(compute), std::to_string(distance.top1_disagreement));
    RecordProperty(std::string("mean_kl_") + NameOf(compute), std::to_string(distance.mean_kl));
  }
}

// The GPU's kernels, or their emulation in a build without CUDA.
class GoldenGpuTest : public GoldenTest {
 protected:
  void SetUp() override {
    if (const std::string problem = cuda::DeviceProblem(); !problem.empty()) GTEST_SKIP() << problem;
    GoldenTest::SetUp();
  }
  const Device device_ = cuda::DeviceIsEmulated() ? Device::kCudaEmulated : Device::kCuda;
};

// What a GPU computes a checkpoint in by itself: BF16 where the checkpoint is.
class GoldenGpuBf16Test : public GoldenGpuTest {};

TEST_P(GoldenGpuBf16Test, IsAsCloseAsTransformersOwn) { ExpectAsCloseAsTransformersOwn(Run(DType::kBf16, device_)); }

// Activations are quantised too, so the noise counts twice.
TEST_P(GoldenGpuTest, Fp8StaysCloseToBf16) {
  Golden bf16 = golden_;
  const std::vector<std::vector<float>> expected = Run(DType::kBf16, device_);
  ASSERT_EQ(expected.size(), golden_.sequences.size());
  for (size_t i = 0; i < expected.size(); ++i) bf16.sequences[i].logits = expected[i];
  const std::vector<std::vector<float>> logits = Run(DType::kF8E4m3, device_);
  ASSERT_EQ(logits.size(), expected.size());
  const LogitsDistance distance = Distance(bf16, logits);
  EXPECT_LE(distance.mean_kl, GetParam().name == "abacus" ? 2 * kTrainedKl : 2 * kFp8Noise * golden_.transformers_bf16.mean_kl);
  RecordProperty("top1_disagreement", std::to_string(distance.top1_disagreement));
  RecordProperty("mean_kl", std::to_string(distance.mean_kl));
}

constexpr const char* kNames[] = {"v3", "v3-fp8", "v2", "v2-lite", "moonlight", "yarn"};

std::vector<GoldenCase> Cases() {
  std::vector<GoldenCase> cases;
  for (const Isa isa : {Isa::kReference, Isa::kAvx2, Isa::kAvx512, Isa::kAmx}) {
    if (!Supported(isa)) continue;
    for (const char* name : kNames) {
      cases.push_back({name, std::string("tests/golden/") + name, isa});
    }
  }
  cases.push_back({"abacus", "checkpoints/abacus", BestIsa()});
  return cases;
}

std::vector<GoldenCase> GpuCases(bool bf16) {
  std::vector<GoldenCase> cases;
  for (const std::string name : kNames) {
    if (!bf16 || name != "v3-fp8") cases.push_back({name, "tests/golden/" + name, BestIsa()});
  }
  cases.push_back({"abacus", "checkpoints/abacus", BestIsa()});
  return cases;
}

std::string NameOfCase(const GoldenCase& golden) {
  std::string name = golden.name + "_" + std::string(NameOf(golden.isa));
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(Checkpoints, GoldenTest, testing::ValuesIn(Cases()),
                         [](const testing::TestParamInfo<GoldenCase>& info) { return NameOfCase(info.param); });
INSTANTIATE_TEST_SUITE_P(Checkpoints, GoldenGpuBf16Test, testing::ValuesIn(GpuCases(true)),
                         [](const testing::TestParamInfo<GoldenCase>& info) { return NameOfCase(info.param); });
INSTANTIATE_TEST_SUITE_P(Checkpoints, GoldenGpuTest, testing::ValuesIn(GpuCases(false)),
                         [](const testing::TestParamInfo<GoldenCase>& info) { return NameOfCase(info.param); });

}  // namespace
}  // namespace baleen
