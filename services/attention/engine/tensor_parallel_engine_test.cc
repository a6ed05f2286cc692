// Any number of GPUs gives the bits of one.
#include "services/attention/engine/tensor_parallel_engine.h"

#include <filesystem>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "kernels/cuda/base/device.h"
#include "tests/invariance/model_fixture.h"
#include "tests/invariance/tiny_checkpoint.h"

namespace baleen {
namespace {

struct Network {
  std::string name;
  std::string directory;  // Empty: of `tiny`.
  TinyOptions tiny = {};
  DType compute = DType::kBf16;
};

Numerics NumericsOf(DType compute) { return {compute, BestIsa(), cuda::DeviceIsEmulated() ? Device::kCudaEmulated : Device::kCuda}; }

class TensorParallelTest : public testing::TestWithParam<Network> {
 protected:
  void SetUp() override {
    if (const std::string problem = cuda::DeviceProblem(); !problem.empty()) GTEST_SKIP() << problem;
    directory_ = GetParam().directory.empty() ? WriteTinyCheckpoint("ranks_" + GetParam().name, GetParam().tiny) : GetParam().directory;
  }
  std::unique_ptr<ModelFixture> OnGpus(int count) const {
    return std::make_unique<ModelFixture>(
        ModelOptions{.directory = directory_, .numerics = NumericsOf(GetParam().compute), .host_experts = true, .tensor_parallel = count});
  }

  std::string directory_;
};

TEST_P(TensorParallelTest, AsManyGpusGiveTheBitsOfOne) {
  const std::unique_ptr<ModelFixture> one = OnGpus(1);
  // Prompts and single tokens, in two steps, the second of which reads what the first left in two blocks.
  const std::vector<std::vector<int32_t>> sequences = {one->Tokens(70, 1), one->Tokens(7, 2), one->Tokens(1, 3)};
  const std::vector<SequenceResult> expected = one->Run(sequences, 65);
  for (const int count : {2, 4}) {
    if (count > cuda::DeviceCount()) GTEST_SKIP() << count << " GPUs wanted";
    EXPECT_TRUE(OnGpus(count)->Run(sequences, 65) == expected) << count << " GPUs";
  }
}

std::vector<Network> Networks() {
  std::vector<Network> networks = {{"abacus", "checkpoints/abacus"}};
  for (const char* name : {"v3", "v2", "moonlight", "yarn"}) networks.push_back({name, std::string("tests/golden/") + name});
  networks.push_back({"tiny", "", TinyOptions::ForGpu()});
  networks.push_back({"fp8", "", TinyOptions::ForFourGpus(), DType::kF8E4m3});
  networks.push_back({"tied_half_split", "", TinyOptions::ForGpu()});
  networks.back().tiny.tie_word_embeddings = true;
  networks.back().tiny.rope_interleave = false;
  for (const bool tied : {false, true}) {
    networks.push_back({tied ? "tied_odd_vocabulary" : "odd_vocabulary", "", TinyOptions::ForGpu()});
    networks.back().tiny.tie_word_embeddings = tied;
    networks.back().tiny.vocab = 131;
  }
  return networks;
}

INSTANTIATE_TEST_SUITE_P(Networks, TensorParallelTest, testing::ValuesIn(Networks()),
                         [](const testing::TestParamInfo<Network>& info) { return info.param.name; });

TEST(TensorParallelLoadTest, NamesWhatItDoesNotTake) {
  if (!cuda::DeviceIsEmulated()) GTEST_SKIP() << "the emulation's";
  const auto load = [](const TinyOptions& tiny, EngineOptions options) {
    const std::string directory = WriteTinyCheckpoint("ranks_sizes", tiny);
    const auto config = ModelConfig::Load(directory);
    const auto checkpoint = Checkpoint::Open(directory);
    return std::string(LoadTensorParallelEngine(**checkpoint, *config, options).status().message());
  };
  const TinyOptions tiny = TinyOptions::ForGpu();
  EngineOptions options;
  options.numerics = NumericsOf(DType::kBf16);
  options.tensor_parallel = 3;
  EXPECT_EQ(load(tiny, options), "num_attention_heads is 4; shared out to 3 GPUs it must be a multiple of 3");
  options.tensor_parallel = 9;
  EXPECT_EQ(load(tiny, options), "tensor_parallel is 9, and this process sees 8 GPUs (CUDA_VISIBLE_DEVICES)");
  options.tensor_parallel = 2;
  options.mtp = true;
  EXPECT_EQ(load(tiny, options), "drafts (MTP) are computed by one GPU alone, not with tensor_parallel");
  options.mtp = false;
  options.numerics = NumericsOf(DType::kF8E4m3);
  EXPECT_EQ(load(tiny, options), "hidden_size is 160; shared out to 2 GPUs it must be a multiple of 256");
}

}  // namespace
}  // namespace baleen
