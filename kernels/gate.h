// The top-k gate (model spec sections 3.6 and 3.7), FP32 throughout; ties go to the lowest index.
#ifndef BALEEN_KERNELS_GATE_H_
#define BALEEN_KERNELS_GATE_H_

#include <cstdint>

namespace baleen {

enum class GateScoring { kSigmoid, kSoftmax };
enum class GateGroups { kNone, kMax, kSumOfTopTwo };  // greedy; group_limited_greedy; noaux_tc.

struct GateParams {
  int experts = 0;
  int top_k = 0;
  int groups = 1;
  int top_groups = 1;
  GateScoring scoring = GateScoring::kSigmoid;
  GateGroups group_score = GateGroups::kNone;
  bool normalize = false;
  float scale = 1.0f;
};

// logits [experts]; bias [experts] or null (selection only). Writes ids [top_k] ascending and weights [top_k] in the
// same order. Where experts and groups are chosen, excluded groups and NaNs count as -inf; a NaN's weight is a NaN.
void SelectExperts(const GateParams& params, const float* logits, const float* bias, int32_t* ids, float* weights);

}  // namespace baleen

#endif  // BALEEN_KERNELS_GATE_H_
