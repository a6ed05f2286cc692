// What sampling counts with: likelihoods as integers, whose sums have no order, so that any number of threads adds up the same.
#ifndef BALEEN_KERNELS_CUDA_SAMPLING_MASS_H_
#define BALEEN_KERNELS_CUDA_SAMPLING_MASS_H_

#include <cmath>
#include <cstdint>
#include <limits>

#include "kernels/cuda/base/ordered_key.h"
#include "kernels/host_device.h"
#include "kernels/math_inline.h"

namespace baleen::cuda {

// Units of mass of the likeliest token: 2^18 tokens of that likelihood stay within 2^63.
inline constexpr double kMassUnits = 0x1p45;
inline constexpr int64_t kMaxVocabulary = int64_t{1} << 18;

// Finite or minus infinity, so that differences are numbers.
BALEEN_HOST_DEVICE inline float CleanLogit(float logit) {
  // Of a NaN and a number, these choose the number.
  return fminf(fmaxf(logit, -std::numeric_limits<float>::infinity()), std::numeric_limits<float>::max());
}

// The sampler's weight of a clean logit: e^((logit - top) / temperature), 1 where equal.
BALEEN_HOST_DEVICE inline float WeightOf(float logit, float top, float temperature) {
  return logit == top ? 1.0f : math::Exp((logit - top) / temperature);
}
BALEEN_HOST_DEVICE constexpr uint64_t MassOf(float weight) { return static_cast<uint64_t>(static_cast<double>(weight) * kMassUnits + 0.5); }

// Less is worth no unit: e^-32 * 2^45 < 1/2.
inline constexpr float kLeastExponent = -32;

// math::Exp of an exponent <= 0, but 0 where that is worth no unit, and for a NaN.
BALEEN_HOST_DEVICE inline float WeightOfExponent(float exponent) {
  return exponent >= kLeastExponent ? static_cast<float>(math::ExpDouble(exponent)) : 0.0f;
}

// MassOf(WeightOf(logit, top, temperature)), and 0 where that weight is below `least_weight`, and for a NaN.
BALEEN_HOST_DEVICE inline uint64_t MassOfLogit(float logit, float top, float temperature, float least_weight) {
  const float weight = logit == top ? 1.0f : WeightOfExponent((logit - top) / temperature);
  return weight >= least_weight ? MassOf(weight) : 0;
}

// The fewest units that reach `share` of `total`: at least 1, at most total.
BALEEN_HOST_DEVICE constexpr uint64_t MassReaching(float share, uint64_t total) {
  const double wanted = static_cast<double>(share) * static_cast<double>(total);
  uint64_t units = static_cast<uint64_t>(wanted);
  if (static_cast<double>(units) < wanted) ++units;
  return units < 1 ? 1 : units > total ? total : units;
}

// The units that lie beyond `uniform` (in [0, 1)) of `total`: the token is the one with which the running sum reaches them.
BALEEN_HOST_DEVICE constexpr uint64_t MassBeyond(double uniform, uint64_t total) {
  const uint64_t units = static_cast<uint64_t>(uniform * static_cast<double>(total)) + 1;
  return units > total ? total : units;
}

// Ranks of 50 bits: the likelier first, then the lower id; and of 18 bits: the lower id first.
inline constexpr int kIdBits = 18;
inline constexpr int kRankBits = 32 + kIdBits;
BALEEN_HOST_DEVICE constexpr uint64_t RankById(uint32_t id) { return (uint32_t{1} << kIdBits) - 1 - id; }
BALEEN_HOST_DEVICE constexpr uint64_t RankByLikelihood(float clean_logit, uint32_t id) {
  return static_cast<uint64_t>(OrderedKey(clean_logit)) << kIdBits | RankById(id);
}
BALEEN_HOST_DEVICE constexpr uint32_t IdOfRank(uint64_t rank) {
  return (uint32_t{1} << kIdBits) - 1 - (static_cast<uint32_t>(rank) & ((uint32_t{1} << kIdBits) - 1));
}

}  // namespace baleen::cuda

#endif  // BALEEN_KERNELS_CUDA_SAMPLING_MASS_H_
