#include <cmath>
#include <set>

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
      Expect(out_ids[row * top_k + k] == expected_ids[k] && out_weights[row * top_k + k] == expected[k],
             what + ", row " + std::to_string(row));
    }
  }
}

BALEEN_GPU_TEST(GateMatchesTheReference) {
  Check(V3(), testing::RandomF32(256 * 301, 1, 2), testing::RandomF32(256, 2, 0.1f), "V3");
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
}

BALEEN_GPU_TEST(GateOfNansGivesDistinctExperts) {
  const DeviceArray<float> logits(std::vector<float>(256, NAN));
  DeviceArray<int32_t> ids(8);
  DeviceArray<float> weights(8);
  ExpectOk(Gate({V3(), 1, logits.data(), nullptr, ids.data(), weights.data()}, nullptr));
  const std::vector<int32_t> out = ids.Download();
  Expect(std::set<int32_t>(out.begin(), out.end()).size() == 8, "experts repeat");
  for (const int32_t id : out) Expect(id >= 0 && id < 256, "an expert that does not exist");
}

}  // namespace
}  // namespace baleen::cuda
