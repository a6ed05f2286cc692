#include <cmath>
#include <random>

#include "kernels/cuda/gate/gate.h"
#include "kernels/cuda/testing/device.h"

namespace baleen::cuda {
namespace {

using testing::DeviceArray;
using testing::Expect;
using testing::ExpectOk;

GateParams V3() {
  GateParams params;
  params.experts = 256;
  params.top_k = 8;
  params.groups = 8;
  params.top_groups = 4;
  params.group_score = GateGroups::kSumOfTopTwo;
  params.normalize = true;
  params.scale = 2.5f;
  return params;
}

// The reference's ids and weights, to the bit.
void Check(const GateParams& params, std::vector<float> logits, const std::vector<float>& bias, const std::string& what) {
  const int64_t rows = static_cast<int64_t>(logits.size()) / params.experts;
  const size_t top_k = static_cast<size_t>(params.top_k);
  const DeviceArray<float> device_logits(logits);
  const DeviceArray<float> device_bias(bias);
  DeviceArray<int32_t> ids(static_cast<size_t>(rows) * top_k);
  DeviceArray<float> weights(static_cast<size_t>(rows) * top_k);
  ExpectOk(Gate({params, rows, device_logits.data(), bias.empty() ? nullptr : device_bias.data(), ids.data(), weights.data()}, nullptr));
  const std::vector<int32_t> out_ids = ids.Download();
  const std::vector<float> out_weights = weights.Download();
  for (size_t row = 0; row < static_cast<size_t>(rows); ++row) {
    std::vector<int32_t> expected_ids(top_k);
    std::vector<float> expected(top_k);
    SelectExperts(params, logits.data() + row * static_cast<size_t>(params.experts), bias.empty() ? nullptr : bias.data(),
                  expected_ids.data(), expected.data());
    for (size_t k = 0; k < top_k; ++k) {
      const float weight = out_weights[row * top_k + k];
      const bool same = weight == expected[k] || (std::isnan(weight) && std::isnan(expected[k]));
      Expect(out_ids[row * top_k + k] == expected_ids[k] && same, what + ", row " + std::to_string(row));
    }
  }
}

BALEEN_GPU_TEST(GateMatchesTheReference) {
  Check(V3(), testing::RandomF32(256 * 301, 1, 2), testing::RandomF32(256, 2, 0.1f), "V3");
  Check(V3(), testing::RandomF32(256 * 2049, 1, 2), testing::RandomF32(256, 2, 0.1f), "V3, many rows");
  Check(V3(), std::vector<float>(256 * 3, 0.5f), {}, "all equal");
  GateParams kimi = V3();
  kimi.experts = 384;
  kimi.groups = kimi.top_groups = 1;
  kimi.group_score = GateGroups::kNone;
  Check(kimi, testing::RandomF32(384 * 50, 3, 2), testing::RandomF32(384, 4, 0.1f), "one group");
  GateParams v2 = V3();
  v2.experts = 160;
  v2.top_k = 6;
  v2.top_groups = 3;
  v2.group_score = GateGroups::kMax;
  v2.scoring = GateScoring::kSoftmax;
  v2.normalize = false;
  Check(v2, testing::RandomF32(160 * 50, 5, 2), {}, "V2");
  GateParams abacus = V3();
  abacus.experts = 16;
  abacus.top_k = 4;
  abacus.groups = 4;
  abacus.top_groups = 2;
  Check(abacus, testing::RandomF32(16 * 50, 6, 2), testing::RandomF32(16, 7, 0.1f), "16 experts");
  GateParams thirds = V3();
  thirds.experts = 510;
  thirds.groups = 3;
  thirds.top_groups = 2;
  thirds.top_k = 32;
  Check(thirds, testing::RandomF32(510 * 50, 11, 2), testing::RandomF32(510, 12, 0.1f), "three groups of 170");
  GateParams singles = V3();
  singles.experts = singles.groups = 32;
  singles.top_groups = 9;
  Check(singles, testing::RandomF32(32 * 50, 13, 2), {}, "32 groups of one");
}

// Of logits among which are NaNs and infinities, none to all of a row.
BALEEN_GPU_TEST(GateOfNansMatchesTheReference) {
  std::vector<float> logits = testing::RandomF32(256 * 301, 8, 2);
  std::vector<float> bias = testing::RandomF32(256, 9, 0.1f);
  std::mt19937 generator(10);
  for (size_t i = 0; i < logits.size(); ++i) {
    const uint32_t random = static_cast<uint32_t>(generator()) % 300;
    if (random < i / 256) logits[i] = random % 8 == 0 ? -INFINITY : random % 8 == 1 ? INFINITY : NAN;
  }
  Check(V3(), logits, bias, "NaNs");
  bias[17] = NAN;
  bias[33] = INFINITY;
  bias[65] = -INFINITY;
  Check(V3(), logits, bias, "NaNs in the bias");
  GateParams v2 = V3();
  v2.group_score = GateGroups::kMax;
  v2.scoring = GateScoring::kSoftmax;
  Check(v2, logits, {}, "NaNs under a softmax");
  std::vector<float> many;
  while (many.size() < 2049 * 256) many.insert(many.end(), logits.begin(), logits.end());
  Check(v2, many, {}, "NaNs under a softmax, many rows");
}

}  // namespace
}  // namespace baleen::cuda
