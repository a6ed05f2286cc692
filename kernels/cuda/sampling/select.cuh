// Finding, with a whole thread block, the token at which a running sum over a row's kept tokens reaches a bound.
#ifndef BALEEN_KERNELS_CUDA_SAMPLING_SELECT_CUH_
#define BALEEN_KERNELS_CUDA_SAMPLING_SELECT_CUH_

#include <cstdint>

#include "kernels/cuda/base/warp.cuh"
#include "kernels/cuda/sampling/mass.h"

namespace baleen::cuda::sampling {

inline constexpr int kThreads = 1024;
inline constexpr int kWarps = kThreads / 32;
inline constexpr int kDigitBits = 3;
inline constexpr int kDigits = 1 << kDigitBits;

// A row, and which of its tokens are still in: those with at least this rank and weight.
struct KeptRow {
  const float* logits;
  const float* weights;  // < 0: not allowed
  int vocabulary;
  uint64_t least_rank = 0;
  float least_weight = 0;
};

enum class Order { kLikeliest, kId };  // What runs first.
enum class Measure { kMass, kCount };

__device__ inline uint64_t WarpSum(uint64_t x) {
#pragma unroll
  for (int step = 16; step > 0; step /= 2) x += __shfl_xor_sync(kAllLanes, x, step);
  return x;
}

// Calls body(rank by likelihood, id, weight) for this thread's share of the kept tokens.
template <typename Body>
__device__ inline void ForKept(const KeptRow& row, Body body) {
  for (int id = threadIdx.x; id < row.vocabulary; id += kThreads) {
    const float weight = row.weights[id];
    if (weight < row.least_weight) continue;
    const uint64_t rank = RankByLikelihood(CleanLogit(row.logits[id]), id);
    if (rank >= row.least_rank) body(rank, static_cast<uint32_t>(id), weight);
  }
}

// Of all threads; every thread gets it.
__device__ inline uint64_t BlockSum(uint64_t own) {
  __shared__ uint64_t sums[kWarps];
  const uint64_t sum = WarpSum(own);
  __syncthreads();
  if (threadIdx.x % 32 == 0) sums[threadIdx.x / 32] = sum;
  __syncthreads();
  return WarpSum(sums[threadIdx.x % 32]);
}

__device__ inline uint64_t TotalMass(const KeptRow& row) {
  uint64_t own = 0;
  ForKept(row, [&](uint64_t, uint32_t, float weight) { own += MassOf(weight); });
  return BlockSum(own);
}

// Which digit of the remaining range holds the token, and what the greater digits sum up to.
struct Digit {
  int digit;
  uint64_t above;
};

__device__ inline Digit PickDigit(const uint64_t (&own)[kDigits], uint64_t bound) {
  __shared__ uint64_t sums[kDigits][kWarps];
  __syncthreads();
#pragma unroll
  for (int digit = 0; digit < kDigits; ++digit) {
    const uint64_t sum = WarpSum(own[digit]);
    if (threadIdx.x % 32 == 0) sums[digit][threadIdx.x / 32] = sum;
  }
  __syncthreads();
  uint64_t above = 0;
  for (int digit = kDigits - 1; digit > 0; --digit) {
    const uint64_t sum = WarpSum(sums[digit][threadIdx.x % 32]);
    if (above + sum >= bound) return {digit, above};
    above += sum;
  }
  return {0, above};
}

// The rank, in `order`, of the token at which the sum over kept tokens, greatest rank first, reaches `bound`: 1 .. the sum of all.
// Narrows the range of ranks by one digit a pass. Called by all threads, with the same result in all.
template <Order kOrder, Measure kMeasure>
__device__ inline uint64_t RankReaching(const KeptRow& row, uint64_t bound) {
  int shift = (kOrder == Order::kId ? kIdBits : kRankBits) + kDigitBits - 1;
  shift -= shift % kDigitBits;
  uint64_t prefix = 0;  // Of the rank, above `shift`.
  while (shift > 0) {
    uint64_t own[kDigits] = {};
    ForKept(row, [&](uint64_t rank, uint32_t id, float weight) {
      if constexpr (kOrder == Order::kId) rank = RankById(id);
      if (rank >> shift != prefix) return;
      const int digit = static_cast<int>(rank >> (shift - kDigitBits)) % kDigits;
      const uint64_t units = kMeasure == Measure::kMass ? MassOf(weight) : 1;
#pragma unroll
      for (int i = 0; i < kDigits; ++i) own[i] += digit == i ? units : 0;
    });
    const Digit picked = PickDigit(own, bound);
    bound -= picked.above;
    prefix = prefix << kDigitBits | static_cast<uint64_t>(picked.digit);
    shift -= kDigitBits;
  }
  return prefix;
}

}  // namespace baleen::cuda::sampling

#endif  // BALEEN_KERNELS_CUDA_SAMPLING_SELECT_CUH_
