// Finding, with a cluster of thread blocks, the token at which a running sum over a row reaches a bound.
#ifndef BALEEN_KERNELS_CUDA_SAMPLING_SELECT_CUH_
#define BALEEN_KERNELS_CUDA_SAMPLING_SELECT_CUH_

#include <cstdint>
#include <limits>

#include "kernels/cuda/base/division.h"
#include "kernels/cuda/sampling/bins.h"
#include "kernels/cuda/sampling/histogram.cuh"
#include "kernels/cuda/sampling/slice.cuh"

namespace baleen::cuda::sampling {

inline constexpr int kQuadsPerBin = 64;  // By id.
static_assert(MostQuads(kMaxVocabulary) <= kBins / kCluster * kQuadsPerBin);

__device__ inline int FirstBinById() { return static_cast<int>(groups::this_cluster().block_rank()) * (kBins / kCluster); }

// What is summed up and in which order: decided at run time, so that the code exists once.
struct Search {
  UsualDivision by_temperature;
  float least_weight = 0;
  uint64_t least_rank = 0;  // By likelihood; 0 = all.
  LogitBins bins = {};
  bool counts = false;  // Tokens instead of their mass.
  bool by_id = false;   // Instead of by likelihood.

  __device__ bool Usual() const {
    return !counts && least_rank == 0 && UsualDivision::Fits(by_temperature.divisor) && bins.top >= -std::numeric_limits<float>::max();
  }
  // What a token counts for; 0 = it is out.
  __device__ uint64_t Units(float logit, uint32_t id) const {
    if (counts) return logit == logit ? 1 : 0;
    if (least_rank != 0 && RankByLikelihood(logit, id) < least_rank) return 0;
    return MassOfLogit(logit, bins.top, by_temperature.divisor, least_weight);
  }
  __device__ uint64_t Rank(float logit, uint32_t id) const { return by_id ? RankById(id) : RankByLikelihood(logit, id); }
};

// Of a quad's tokens. The usual case runs without a branch, so that four of the long chains of an exponential overlap.
__device__ inline void UnitsOf(const Search& search, bool usual, const float4& x, int first_id, uint64_t (&units)[4]) {
  if (usual) {
    float weights[4];
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      const float exponent = search.by_temperature.Of(Component(x, i) - search.bins.top);
      const bool counts = exponent >= kLeastExponent;
      const float weight = static_cast<float>(math::ExpDouble(counts ? exponent : kLeastExponent));
      weights[i] = counts && weight >= search.least_weight ? weight : 0.0f;
    }
#pragma unroll
    for (int i = 0; i < 4; ++i) units[i] = MassOf(weights[i]);
    return;
  }
#pragma unroll 1
  for (int i = 0; i < 4; ++i) {
    const uint64_t own = search.Units(Component(x, i), static_cast<uint32_t>(first_id + i));
#pragma unroll
    for (int j = 0; j < 4; ++j) units[j] = i == j ? own : units[j];
  }
}

// The token found, by its rank, and the running sum with it.
struct Chosen {
  uint64_t rank;
  uint64_t through;
};

struct Candidate {
  uint64_t rank;
  uint64_t units;
};
inline constexpr int kListed = kThreads;

// A block's shared memory, ahead of its slice.
struct alignas(16) Shared {
  Histogram<kBins> bins;
  union {
    Histogram<kDigits> digits;
    Candidate listed[kListed];  // In the first block.
  };
  MergeState merge;
  Chosen chosen;
  uint64_t bests[kCluster];
  int listed_count;  // In the first block; may exceed kListed.
};

// By likelihood, each token into its bin; by id, a warp's 128 neighbours share one, so that they are summed before they are added.
__device__ inline void FillBins(const Slice& slice, const Search& search, Shared& shared) {
  Clear(shared.bins);
  const bool usual = search.Usual();
  const int lane = threadIdx.x % 32;
#pragma unroll 1
  for (int first = threadIdx.x - lane; first < slice.count; first += kThreads) {
    const int quad = first + lane;
    const float4 x = slice.quads[min(quad, slice.count - 1)];
    uint64_t units[4] = {};
    if (quad < slice.count) UnitsOf(search, usual, x, slice.first_id + 4 * quad, units);
    if (search.by_id) {
      const uint64_t sum = WarpSum(units[0] + units[1] + units[2] + units[3]);
      if (lane == 0 && sum != 0) shared.bins.Add(FirstBinById() + first / kQuadsPerBin, sum);
      continue;
    }
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      if (units[i] != 0) shared.bins.Add(BinOf(search.bins, Component(x, i)), units[i]);
    }
  }
  Merge(shared.bins, shared.merge);
}

// Calls body(rank, units) for this thread's tokens of a bin whose ranks are in a range.
template <typename Body>
__device__ inline void ForEachOf(const Slice& slice, const Search& search, int bin, const RankRange& range, Body body) {
  const int first = search.by_id ? (bin - FirstBinById()) * kQuadsPerBin : 0;
  const int end = search.by_id ? min(slice.count, first + kQuadsPerBin) : slice.count;
  for (int quad = max(first, 0) + static_cast<int>(threadIdx.x); quad < end; quad += kThreads) {
    const float4 x = slice.quads[quad];
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      const float logit = Component(x, i);
      if (!search.by_id && !IsInBin(search.bins, static_cast<float>(bin), logit)) continue;
      if (logit != logit) continue;
      const uint32_t id = static_cast<uint32_t>(slice.first_id + 4 * quad + i);
      const uint64_t rank = search.Rank(logit, id);
      if (!Contains(range, rank)) continue;
      const uint64_t units = search.Units(logit, id);
      if (units != 0) body(rank, units);
    }
  }
}

// Lists them in the first block; returns how many there are, or some number above kListed where they are more.
__device__ inline int List(const Slice& slice, const Search& search, int bin, const RankRange& range, Shared& shared) {
  const groups::cluster_group cluster = groups::this_cluster();
  Shared* const first_block = InBlock(&shared, 0);
  bool full = false;
  ForEachOf(slice, search, bin, range, [&](uint64_t rank, uint64_t units) {
    if (full) return;
    const int at = atomicAdd(&first_block->listed_count, 1);
    full = at >= kListed;
    if (!full) first_block->listed[at] = {rank, units};
  });
  cluster.sync();
  return first_block->listed_count;
}

// The one listed with which the sum over greater ranks reaches `bound`, found by the first block for all; `before` is added to its sum.
__device__ inline Chosen ChooseListed(int count, uint64_t bound, uint64_t before, Shared& shared) {
  const groups::cluster_group cluster = groups::this_cluster();
  if (cluster.block_rank() == 0 && static_cast<int>(threadIdx.x) < count) {
    const Candidate own = shared.listed[threadIdx.x];
    uint64_t through = 0;
#pragma unroll 4
    for (int i = 0; i < count; ++i) {
      const Candidate other = shared.listed[i];
      through += other.rank >= own.rank ? other.units : 0;
    }
    if (through >= bound && through - own.units < bound) {
      for (int block = 0; block < kCluster; ++block) InBlock(&shared, block)->chosen = {own.rank, before + through};
    }
  }
  cluster.sync();
  return shared.chosen;
}

// The token with which the sum reaches `bound`: 1 .. the sum of all. The bins are filled. Called by all threads of the cluster, with the
// same result in all.
__device__ inline Chosen Reaching(const Slice& slice, const Search& search, uint64_t bound, Shared& shared) {
  // Whoever counts does so behind the barrier in Pick, and whoever read the count has passed one since.
  const bool first_thread = groups::this_cluster().block_rank() == 0 && threadIdx.x == 0;
  if (first_thread) shared.listed_count = 0;
  const Picked bin = Pick(shared.bins, bound, shared.merge);
  uint64_t before = bin.before;
  RankRange range;
  int count;
#pragma unroll 1
  while ((count = List(slice, search, bin.bin, range, shared)) > kListed && range.shift > 0) {
    Clear(shared.digits);
    ForEachOf(slice, search, bin.bin, range, [&](uint64_t rank, uint64_t units) { shared.digits.Add(DigitOf(range, rank), units); });
    Merge(shared.digits, shared.merge);
    if (first_thread) shared.listed_count = 0;
    const Picked digit = Pick(shared.digits, bound - before, shared.merge);
    before += digit.before;
    range = Narrowed(range, digit.bin);
  }
  return ChooseListed(min(count, kListed), bound - before, before, shared);
}

}  // namespace baleen::cuda::sampling

#endif  // BALEEN_KERNELS_CUDA_SAMPLING_SELECT_CUH_
