#include "kernels/cuda/base/launch.h"
#include "kernels/cuda/base/ordered_key.h"
#include "kernels/cuda/base/warp.cuh"
#include "kernels/cuda/gate/gate.h"
#include "kernels/math_inline.h"

namespace baleen::cuda {
namespace {

constexpr int kRowsPerBlock = 4;
constexpr int kMostPerLane = kMaxGateExperts / 32;

// A warp's row in shared memory.
struct Row {
  float scores[kMaxGateExperts];
  float selection[kMaxGateExperts];  // With bias; excluded groups at minus infinity.
  int32_t ids[kMaxTopK];
};

__device__ uint64_t GreatestRank(uint64_t rank) {
#pragma unroll
  for (int step = 16; step > 0; step /= 2) {
    const uint64_t other = __shfl_xor_sync(kAllLanes, rank, step);
    rank = other > rank ? other : rank;
  }
  return rank;
}

__device__ void Score(const GateParams& params, const float* logits, Row& row) {
  const int lane = threadIdx.x % 32;
  if (params.scoring == GateScoring::kSigmoid) {
    for (int e = lane; e < params.experts; e += 32) row.scores[e] = math::Sigmoid(logits[e]);
    __syncwarp();
    return;
  }
  uint64_t top = 0;
  for (int e = lane; e < params.experts; e += 32) top = max(top, RankOf(logits[e], e));
  const float largest = logits[IndexOfRank(GreatestRank(top))];
  for (int e = lane; e < params.experts; e += 32) row.scores[e] = math::Exp(logits[e] - largest);
  __syncwarp();
  // The reference's order.
  float sum = 0;
  for (int e = 0; e < params.experts; ++e) sum += row.scores[e];
  __syncwarp();
  for (int e = lane; e < params.experts; e += 32) row.scores[e] /= sum;
  __syncwarp();
}

__device__ float GroupScore(GateGroups rule, const float* values, int size) {
  float first = -INFINITY;
  float second = -INFINITY;
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

__device__ void ExcludeGroups(const GateParams& params, Row& row) {
  const int lane = threadIdx.x % 32;
  const int size = params.experts / params.groups;
  uint64_t rank = 0;
  if (lane < params.groups) rank = RankOf(GroupScore(params.group_score, row.selection + lane * size, size), lane);
  uint32_t kept = 0;
  for (int round = 0; round < params.top_groups; ++round) {
    const uint32_t best = IndexOfRank(GreatestRank(rank));
    kept |= 1u << best;
    if (lane == static_cast<int>(best)) rank = 0;
  }
  for (int e = lane; e < params.experts; e += 32) {
    if ((kept >> (e / size) & 1u) == 0) row.selection[e] = -INFINITY;
  }
  __syncwarp();
}

// Writes row.ids ascending.
__device__ void TopK(const GateParams& params, Row& row) {
  const int lane = threadIdx.x % 32;
  uint64_t ranks[kMostPerLane];
#pragma unroll
  for (int i = 0; i < kMostPerLane; ++i) {
    const int e = i * 32 + lane;
    ranks[i] = e < params.experts ? RankOf(row.selection[e], e) : 0;
  }
  uint32_t taken = 0;  // Of this lane's experts.
  for (int round = 0; round < params.top_k; ++round) {
    uint64_t best = 0;
#pragma unroll
    for (int i = 0; i < kMostPerLane; ++i) best = (taken >> i & 1u) == 0 && ranks[i] > best ? ranks[i] : best;
    const uint32_t chosen = IndexOfRank(GreatestRank(best));
    if (static_cast<int>(chosen % 32) == lane) taken |= 1u << (chosen / 32);
  }
  int before = 0;
  for (int i = 0; i * 32 < params.experts; ++i) {
    const uint32_t chosen = __ballot_sync(kAllLanes, taken >> i & 1u);
    if ((taken >> i & 1u) != 0) row.ids[before + __popc(chosen & ((1u << lane) - 1))] = i * 32 + lane;
    before += __popc(chosen);
  }
  __syncwarp();
}

// One warp a row.
__global__ void __launch_bounds__(kRowsPerBlock * 32) Kernel(const __grid_constant__ GateArgs args) {
  __shared__ Row rows[kRowsPerBlock];
  const int64_t index = blockIdx.x * static_cast<int64_t>(kRowsPerBlock) + threadIdx.x / 32;
  if (index >= args.rows) return;
  const GateParams& params = args.params;
  const int lane = threadIdx.x % 32;
  Row& row = rows[threadIdx.x / 32];
  Score(params, args.logits + index * params.experts, row);
  for (int e = lane; e < params.experts; e += 32) row.selection[e] = args.bias == nullptr ? row.scores[e] : row.scores[e] + args.bias[e];
  __syncwarp();
  if (params.group_score != GateGroups::kNone && params.groups > 1) ExcludeGroups(params, row);
  TopK(params, row);
  float sum = 0;
  for (int k = 0; k < params.top_k; ++k) sum += row.scores[row.ids[k]];
  if (lane >= params.top_k) return;
  float weight = row.scores[row.ids[lane]];
  if (params.normalize) weight /= sum + 1e-20f;
  args.ids[index * params.top_k + lane] = row.ids[lane];
  args.weights[index * params.top_k + lane] = weight * params.scale;
}

}  // namespace

Status Gate(const GateArgs& args, Stream stream) {
  if (std::string problem = GateProblem(args); !problem.empty()) return Status(std::move(problem));
  if (args.rows == 0) return Status();
  const unsigned blocks = static_cast<unsigned>((args.rows + kRowsPerBlock - 1) / kRowsPerBlock);
  Kernel<<<blocks, kRowsPerBlock * 32, 0, stream>>>(args);
  return LaunchStatus("Gate");
}

}  // namespace baleen::cuda
