#include "kernels/cuda/base/launch.h"
#include "kernels/cuda/sampling/sampling.h"
#include "kernels/cuda/sampling/select.cuh"

namespace baleen::cuda {
namespace {

using sampling::KeptRow;
using sampling::kThreads;
using sampling::kWarps;
using sampling::Measure;
using sampling::Order;
using sampling::RankReaching;

__device__ bool Allowed(const uint32_t* allowed, int id) { return allowed == nullptr || (allowed[id / 32] >> id % 32 & 1u) != 0; }

// 0 when nothing is allowed.
__device__ uint64_t LargestRank(const float* logits, const uint32_t* allowed, int vocabulary) {
  __shared__ uint64_t ranks[kWarps];
  uint64_t best = 0;
  for (int id = threadIdx.x; id < vocabulary; id += kThreads) {
    if (Allowed(allowed, id)) best = max(best, RankByLikelihood(CleanLogit(logits[id]), id));
  }
  for (int step = 16; step > 0; step /= 2) best = max(best, __shfl_xor_sync(kAllLanes, best, step));
  if (threadIdx.x % 32 == 0) ranks[threadIdx.x / 32] = best;
  __syncthreads();
  best = ranks[threadIdx.x % 32];
  for (int step = 16; step > 0; step /= 2) best = max(best, __shfl_xor_sync(kAllLanes, best, step));
  return best;
}

// Applies top-k, min-p and top-p in the sampler's order, then draws.
__device__ uint32_t Draw(const RowSampling& how, KeptRow row) {
  uint64_t own = 0;
  for (int id = threadIdx.x; id < row.vocabulary; id += kThreads) own += row.weights[id] >= 0 ? 1 : 0;
  const bool cut_k = how.top_k > 0 && static_cast<uint64_t>(how.top_k) < sampling::BlockSum(own);
  if (cut_k) row.least_rank = RankReaching<Order::kLikeliest, Measure::kCount>(row, static_cast<uint64_t>(how.top_k));
  if (how.min_p > 0) row.least_weight = fminf(how.min_p, 1.0f);
  if (how.top_p < 1) {
    const uint64_t bound = MassReaching(how.top_p, sampling::TotalMass(row));
    row.least_rank = RankReaching<Order::kLikeliest, Measure::kMass>(row, bound);
  }
  const uint64_t bound = MassBeyond(how.uniform, sampling::TotalMass(row));
  if (cut_k || how.top_p < 1) return IdOfRank(RankReaching<Order::kLikeliest, Measure::kMass>(row, bound));
  return IdOfRank(RankReaching<Order::kId, Measure::kMass>(row, bound));
}

// One thread block a row.
__global__ void __launch_bounds__(kThreads) Kernel(const __grid_constant__ SamplingArgs args) {
  const int64_t index = blockIdx.x;
  const int vocabulary = static_cast<int>(args.vocabulary);
  const float* const logits = args.logits + index * args.ld;
  const uint32_t* const allowed = args.allowed == nullptr ? nullptr : args.allowed + index * ((vocabulary + 31) / 32);
  const RowSampling how = args.rows_sampling[index];
  const uint64_t best = LargestRank(logits, allowed, vocabulary);
  int32_t token = best == 0 ? -1 : static_cast<int32_t>(IdOfRank(best));
  if (best != 0 && how.temperature > 0) {
    float* const weights = args.workspace + index * vocabulary;
    const float top = CleanLogit(logits[token]);
    for (int id = threadIdx.x; id < vocabulary; id += kThreads) {
      weights[id] = Allowed(allowed, id) ? WeightOf(CleanLogit(logits[id]), top, how.temperature) : -1.0f;
    }
    // Each thread reads again only what it wrote itself.
    token = static_cast<int32_t>(Draw(how, {logits, weights, vocabulary}));
  }
  if (threadIdx.x == 0) args.tokens[index] = token;
}

}  // namespace

Status Sample(const SamplingArgs& args, Stream stream) {
  if (std::string problem = SamplingProblem(args); !problem.empty()) return Status(std::move(problem));
  if (args.rows == 0) return Status();
  Kernel<<<static_cast<unsigned>(args.rows), kThreads, 0, stream>>>(args);
  return LaunchStatus("Sample");
}

}  // namespace baleen::cuda
