// A GPU's network beside the CPU's, with heads of V3's own size: another attention kernel than that of the golden checkpoints.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "kernels/cuda/base/device.h"
#include "kernels/isa.h"
#include "tests/invariance/model_fixture.h"
#include "tests/invariance/tiny_checkpoint.h"

namespace baleen {
namespace {

constexpr int64_t kTokens = 150;

class GpuAgreementTest : public testing::TestWithParam<DType> {
 protected:
  void SetUp() override {
    if (const std::string problem = cuda::DeviceProblem(); !problem.empty()) GTEST_SKIP() << problem;
    TinyOptions tiny = TinyOptions::WithHeadsOfV3();
    tiny.dtype = GetParam();
    directory_ = WriteTinyCheckpoint(std::string("heads_of_v3_") + NameOf(GetParam()), tiny);
  }

  // Of one sequence, [tokens, vocab].
  std::vector<float> Logits(DType compute, Device device) {
    ModelFixture model({.directory = directory_, .numerics = {compute, BestIsa(), device}});
    const std::string bytes = model.Run({model.Tokens(kTokens, 7)}, 50).front().logits;
    std::vector<float> logits(bytes.size() / sizeof(float));
    std::memcpy(logits.data(), bytes.data(), bytes.size());
    return logits;
  }

  // Root mean square of the difference over that of `expected`, the median position's: a gate near a tie may choose otherwise at some.
  static double MedianError(const std::vector<float>& logits, const std::vector<float>& expected) {
    EXPECT_EQ(logits.size(), expected.size());
    std::vector<double> errors;
    for (size_t begin = 0; begin + kTinyVocab <= expected.size(); begin += kTinyVocab) {
      double off = 0;
      double norm = 0;
      for (size_t i = begin; i < begin + kTinyVocab; ++i) {
        off += std::pow(static_cast<double>(logits[i]) - expected[i], 2);
        norm += std::pow(static_cast<double>(expected[i]), 2);
      }
      errors.push_back(std::sqrt(off / norm));
    }
    std::nth_element(errors.begin(), errors.begin() + static_cast<std::ptrdiff_t>(errors.size() / 2), errors.end());
    return errors[errors.size() / 2];
  }

  std::string directory_;
};

// BF16 rounds a value by 0.11% in root mean square, E4M3 by 2.6%. On its way through a layer a value is rounded ten times in attention
// (norm, fused projection, latent norm, query, absorbed query, key, weight of the softmax, context, head, output) and six times behind it
// (norm, gate, up, their product, output, expert's output). Three layers add up as squares: 6.9 times one.
TEST_P(GpuAgreementTest, LogitsAreTheCpusButForRounding) {
  const Device gpu = cuda::DeviceIsEmulated() ? Device::kCudaEmulated : Device::kCuda;
  const std::vector<float> expected = Logits(DType::kF32, Device::kCpu);
  ASSERT_EQ(expected.size(), static_cast<size_t>(kTokens) * kTinyVocab);
  const double bf16 = MedianError(Logits(DType::kBf16, gpu), expected);
  EXPECT_LT(bf16, 2 * 6.9 * 0.0011);
  RecordProperty("bf16", std::to_string(bf16));
  const double fp8 = MedianError(Logits(DType::kF8E4m3, gpu), expected);
  EXPECT_LT(fp8, 2 * 6.9 * 0.026);
  EXPECT_GT(fp8, bf16);
  RecordProperty("fp8", std::to_string(fp8));
}

INSTANTIATE_TEST_SUITE_P(Checkpoints, GpuAgreementTest, testing::Values(DType::kBf16, DType::kF8E4m3),
                         [](const testing::TestParamInfo<DType>& info) { return NameOf(info.param); });

}  // namespace
}  // namespace baleen
