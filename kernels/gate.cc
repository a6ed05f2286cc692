#include "kernels/gate.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "kernels/math.h"

namespace baleen {
namespace {

constexpr float kMinusInfinity = -std::numeric_limits<float>::infinity();

std::vector<float> Score(const GateParams& params, const float* logits) {
  std::vector<float> scores(params.experts);
  if (params.scoring == GateScoring::kSigmoid) {
    std::transform(logits, logits + params.experts, scores.begin(), Sigmoid);
    return scores;
  }
  const float top = *std::max_element(logits, logits + params.experts);
  float sum = 0;
  for (int e = 0; e < params.experts; ++e) sum += scores[e] = Exp(logits[e] - top);
  for (float& score : scores) score /= sum;
  return scores;
}

// The indices of the `wanted` largest values, ascending. Always distinct.
std::vector<int32_t> TopK(std::vector<float> values, int wanted) {
  for (float& value : values) {
    if (std::isnan(value)) value = kMinusInfinity;
  }
  std::vector<char> taken(values.size(), 0);
  for (int round = 0; round < wanted; ++round) {
    int best = -1;
    for (int i = 0; i < static_cast<int>(values.size()); ++i) {
      if (!taken[i] && (best < 0 || values[i] > values[best])) best = i;
    }
    if (best >= 0) taken[best] = 1;
  }
  std::vector<int32_t> indices;
  for (int i = 0; i < static_cast<int>(values.size()); ++i) {
    if (taken[i]) indices.push_back(i);
  }
  return indices;
}

float GroupScore(GateGroups rule, const float* values, int size) {
  float first = kMinusInfinity;
  float second = kMinusInfinity;
  for (int i = 0; i < size; ++i) {
    if (values[i] > first) {
      second = first;
      first = values[i];
    } else if (values[i] > second) {
      second = values[i];
    }
  }
  return rule == GateGroups::kMax || size < 2 ? first : first + second;
}

void ExcludeGroups(const GateParams& params, std::vector<float>* values) {
  const int size = params.experts / params.groups;
  std::vector<float> group_scores(params.groups);
  for (int g = 0; g < params.groups; ++g) group_scores[g] = GroupScore(params.group_score, values->data() + g * size, size);
  std::vector<char> kept(params.groups, 0);
  for (const int32_t g : TopK(group_scores, params.top_groups)) kept[g] = 1;
  for (int g = 0; g < params.groups; ++g) {
    if (!kept[g]) std::fill_n(values->begin() + g * size, size, kMinusInfinity);
  }
}

}  // namespace

void SelectExperts(const GateParams& params, const float* logits, const float* bias, int32_t* ids, float* weights) {
  const std::vector<float> scores = Score(params, logits);
  std::vector<float> selection = scores;
  if (bias != nullptr) {
    for (int e = 0; e < params.experts; ++e) selection[e] += bias[e];
  }
  if (params.group_score != GateGroups::kNone && params.groups > 1) ExcludeGroups(params, &selection);
  const std::vector<int32_t> chosen = TopK(selection, params.top_k);
  float sum = 0;
  for (size_t i = 0; i < chosen.size(); ++i) {
    ids[i] = chosen[i];
    weights[i] = scores[chosen[i]];
    sum += weights[i];
  }
  for (size_t i = 0; i < chosen.size(); ++i) {
    if (params.normalize) weights[i] /= sum + 1e-20f;
    weights[i] *= params.scale;
  }
}

}  // namespace baleen
