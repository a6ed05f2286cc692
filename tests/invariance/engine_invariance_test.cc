// The same sequence gives the same logits and the same KV, to the bit, however it is batched, chunked and threaded.
#include <algorithm>
#include <filesystem>
#include <string>
#include <tuple>
#include <vector>

#include "gtest/gtest.h"
#include "kernels/cuda/base/device.h"
#include "kernels/isa.h"
#include "tests/invariance/model_fixture.h"
#include "tests/invariance/tiny_checkpoint.h"

namespace baleen {
namespace {

constexpr char kAbacus[] = "checkpoints/abacus";

// Which network, and with which numbers.
struct Variant {
  std::string name;
  TinyOptions tiny;
  bool abacus = false;
  DType compute = DType::kF32;
  Isa isa = Isa::kReference;
  bool gpu = false;  // Or its emulation, in a build without CUDA.
  bool host_experts = false;

  bool slow() const { return gpu ? cuda::DeviceIsEmulated() : isa == Isa::kReference; }
};

std::vector<Variant> GpuVariants() {
  const bool has_abacus = std::filesystem::exists(std::string(kAbacus) + "/config.json");
  std::vector<Variant> variants;
  for (const DType compute : {DType::kBf16, DType::kF8E4m3}) {
    TinyOptions tiny = TinyOptions::ForGpu();
    tiny.dtype = compute;
    variants.push_back({std::string("gpu_tiny_") + NameOf(compute), tiny, false, compute, BestIsa(), true});
    tiny.q_lora = false;
    tiny.rope_interleave = false;
    variants.push_back({std::string("gpu_half_split_") + NameOf(compute), tiny, false, compute, BestIsa(), true});
    if (has_abacus) variants.push_back({std::string("gpu_abacus_") + NameOf(compute), {}, true, compute, BestIsa(), true});
  }
  variants.push_back({"gpu_host_experts", TinyOptions::ForGpu(), false, DType::kBf16, BestIsa(), true, true});
  return variants;
}

std::vector<Variant> Variants() {
  std::vector<Variant> variants = GpuVariants();
  for (const Isa isa : {Isa::kReference, Isa::kAvx2, Isa::kAvx512, Isa::kAmx}) {
    if (!Supported(isa)) continue;
    for (const DType compute : {DType::kF32, DType::kBf16, DType::kF8E4m3, DType::kI8}) {
      const std::string numerics = std::string(NameOf(isa)) + "_" + NameOf(compute);
      variants.push_back({"tiny_" + numerics, {}, false, compute, isa});
      if (isa == BestIsa()) {
        TinyOptions v2_fp8;
        v2_fp8.v2 = true;
        v2_fp8.q_lora = false;
        v2_fp8.dtype = DType::kF8E4m3;
        variants.push_back({"v2_fp8_" + numerics, v2_fp8, false, compute, isa});
        if (std::filesystem::exists(std::string(kAbacus) + "/config.json")) {
          variants.push_back({"abacus_" + numerics, {}, true, compute, isa});
        }
      }
    }
  }
  return variants;
}

class EngineInvarianceTest : public testing::TestWithParam<Variant> {
 protected:
  EngineInvarianceTest()
      : directory_(GetParam().abacus ? kAbacus : WriteTinyCheckpoint("invariance_" + GetParam().name, GetParam().tiny)) {}

  void SetUp() override {
    const std::string problem = cuda::DeviceProblem();
    if (GetParam().gpu && !problem.empty()) GTEST_SKIP() << problem;
  }

  ModelOptions Options(int threads, int64_t ping_pong_rows = 0) const {
    Numerics numerics = {GetParam().compute, GetParam().isa};
    if (GetParam().gpu) numerics.device = cuda::DeviceIsEmulated() ? Device::kCudaEmulated : Device::kCuda;
    return {directory_, numerics, threads, ping_pong_rows, false, GetParam().host_experts};
  }

  const std::string directory_;
};

TEST_P(EngineInvarianceTest, PrefillChunksAndThreads) {
  ModelFixture one(Options(1));
  const int64_t count = GetParam().slow() ? 68 : 150;  // More than a block; the reference is slow.
  const std::vector<int32_t> tokens = one.Tokens(count, 3);
  const SequenceResult whole = one.Run({tokens}, count).front();
  ASSERT_EQ(whole.logits.size(), count * one.config().vocab_size * sizeof(float));
  for (const int64_t chunk : {1, 16, 64}) EXPECT_TRUE(one.Run({tokens}, chunk).front() == whole) << "chunk " << chunk;
  ModelFixture two(Options(2));
  for (const int64_t chunk : {int64_t{1}, int64_t{16}, int64_t{64}, count})
    EXPECT_TRUE(two.Run({tokens}, chunk).front() == whole) << "2 threads, chunk " << chunk;
}

TEST_P(EngineInvarianceTest, BatchComposition) {
  ModelFixture alone(Options(1));
  ModelFixture batched(Options(2));
  std::vector<std::vector<int32_t>> sequences;
  std::vector<SequenceResult> expected;
  const int64_t spread = GetParam().slow() ? 3 : 23;  // The reference is slow.
  for (int64_t i = 0; i < 64; ++i) {
    sequences.push_back(alone.Tokens(2 + (i * 5) % spread, static_cast<uint64_t>(i)));
    if (i == 3) sequences.back() = alone.Tokens(90, 3);  // One that fills more than a block.
    expected.push_back(alone.Run({sequences.back()}, 90).front());
  }
  for (const size_t batch : {size_t{1}, size_t{7}, size_t{64}}) {
    const std::vector<std::vector<int32_t>> some(sequences.begin(), sequences.begin() + batch);
    for (const int64_t chunk : {1, 11}) {
      const std::vector<SequenceResult> results = batched.Run(some, chunk);
      for (size_t i = 0; i < batch; ++i) EXPECT_TRUE(results[i] == expected[i]) << "batch " << batch << " chunk " << chunk << " #" << i;
    }
  }
}

TEST_P(EngineInvarianceTest, PingPongMicroBatches) {
  ModelFixture plain(Options(1));
  ModelFixture ping_pong(Options(1, 2));
  const std::vector<std::vector<int32_t>> sequences = {plain.Tokens(70, 1), plain.Tokens(33, 2), plain.Tokens(1, 3)};
  EXPECT_TRUE(plain.Run(sequences, 20) == ping_pong.Run(sequences, 20));
}

INSTANTIATE_TEST_SUITE_P(All, EngineInvarianceTest, testing::ValuesIn(Variants()),
                         [](const testing::TestParamInfo<Variant>& info) { return info.param.name; });

}  // namespace
}  // namespace baleen
