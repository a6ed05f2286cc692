#include "kernels/cuda/base/launch.h"
#include "kernels/cuda/base/ordered_key.h"
#include "kernels/cuda/base/warp.cuh"
#include "kernels/cuda/gate/gate.h"
#include "kernels/math_inline.h"

namespace baleen::cuda {
namespace {

constexpr int kThreads = 128;
constexpr int kWarps = kThreads / 32;
// As many rows are in flight at once when each has a block; of more, a block takes as many as it has warps, since choosing needs one warp.
constexpr int64_t kFewRows = 2048;

// Values by expert, spread so that lanes which read runs of 32 apart meet different banks.
template <int kExperts>
class Spread {
 public:
  __device__ float& operator[](int expert) { return values_[expert + expert / 32]; }

 private:
  float values_[kExperts + kExperts / 32];
};

// A row in shared memory.
template <int kExperts>
struct Row {
  Spread<kExperts> scores;
  Spread<kExperts> selection;  // With bias.
  int32_t ids[kMaxTopK];
  float chosen[kMaxTopK];  // Scores.
};

// By `threads` threads a row, a whole number of warps; each is the row's `thread`-th. Behind the last row `experts` is 0.
template <int kExperts>
__device__ void Score(const GateParams& params, int experts, const float* logits, const float* bias, int thread, int threads,
                      Row<kExperts>& row) {
  if (params.scoring == GateScoring::kSigmoid) {
    for (int e = thread; e < experts; e += threads) {
      const float score = math::Sigmoid(logits[e]);
      row.scores[e] = score;
      row.selection[e] = bias == nullptr ? score : score + bias[e];
    }
    __syncthreads();
    return;
  }
  uint32_t top = 0;
  for (int e = thread % 32; e < experts; e += 32) top = max(top, OrderedKey(logits[e]));
  const float largest = ValueOfKey(__reduce_max_sync(kAllLanes, top));
  for (int e = thread; e < experts; e += threads) row.scores[e] = math::Exp(logits[e] - largest);
  __syncthreads();
  // The reference's order.
  float sum = 0;
  for (int e = 0; e < experts; ++e) sum += row.scores[e];
  __syncthreads();
  for (int e = thread; e < experts; e += threads) {
    const float score = row.scores[e] / sum;
    row.scores[e] = score;
    row.selection[e] = bias == nullptr ? score : score + bias[e];
  }
  __syncthreads();
}

struct TopTwo {
  float first = -INFINITY;
  float second = -INFINITY;
};
__device__ TopTwo With(const TopTwo& top, float value) {
  if (value > top.first) return {value, top.first};
  return {top.first, value > top.second ? value : top.second};
}

// Keeps the groups that score highest, the lower one of equals first. By one warp; runs of lanes share a group.
template <int kExperts>
__device__ void ExcludeGroups(const GateParams& params, Row<kExperts>& row) {
  const int lane = threadIdx.x % 32;
  const int size = params.experts / params.groups;
  const int lanes = 1 << (31 - __clz(32 / params.groups));  // Of a group: a power of two.
  const int each = (size + lanes - 1) / lanes;
  const int group = lane / lanes;
  const int begin = group * size + lane % lanes * each;
  const int end = group < params.groups ? min((group + 1) * size, begin + each) : 0;
  TopTwo top;
  for (int e = begin; e < end; ++e) top = With(top, row.selection[e]);
  for (int step = 1; step < lanes; step *= 2) {
    const float first = __shfl_xor_sync(kAllLanes, top.first, step);
    const float second = __shfl_xor_sync(kAllLanes, top.second, step);
    top = With(With(top, first), second);
  }
  const float score = params.group_score == GateGroups::kMax || size < 2 ? top.first : top.first + top.second;
  uint32_t key = group < params.groups && lane % lanes == 0 ? OrderedKey(score) : 0;
  uint32_t kept = 0;
  for (int round = 0; round < params.top_groups; ++round) {
    const uint32_t greatest = __reduce_max_sync(kAllLanes, key);
    const int best = __ffs(static_cast<int>(__ballot_sync(kAllLanes, key == greatest))) - 1;
    kept |= 1u << (best / lanes);
    if (lane == best) key = 0;
  }
  for (int e = begin; e < end && (kept >> group & 1u) == 0; ++e) row.selection[e] = -INFINITY;
  __syncwarp();
}

// Writes row.ids ascending, and their scores. By one warp; expert 32 i + lane is the lane's i-th.
template <int kExperts>
__device__ void TopK(const GateParams& params, Row<kExperts>& row) {
  constexpr int kEach = kExperts / 32;
  const int lane = threadIdx.x % 32;
  uint32_t keys[kEach];
#pragma unroll
  for (int i = 0; i < kEach; ++i) {
    const int e = i * 32 + lane;
    keys[i] = e < params.experts ? OrderedKey(row.selection[e]) : 0;
  }
  uint32_t taken = 0;  // Of this lane's experts.
  for (int round = 0; round < params.top_k; ++round) {
    uint32_t own = 0;
    int at = 0;
#pragma unroll
    for (int i = 0; i < kEach; ++i) {
      if (keys[i] > own) {
        own = keys[i];
        at = i;
      }
    }
    const uint32_t greatest = __reduce_max_sync(kAllLanes, own);
    const uint32_t chosen = __reduce_min_sync(kAllLanes, own == greatest ? static_cast<uint32_t>(at * 32 + lane) : ~0u);
    const int gone = static_cast<uint32_t>(at * 32 + lane) == chosen ? at : -1;
    if (gone >= 0) taken |= 1u << gone;
#pragma unroll
    for (int i = 0; i < kEach; ++i) keys[i] = i == gone ? 0 : keys[i];
  }
  int before = 0;
#pragma unroll
  for (int i = 0; i < kEach; ++i) {
    const bool own = (taken >> i & 1u) != 0;
    const uint32_t all = __ballot_sync(kAllLanes, own);
    if (own) {
      const int at = before + __popc(all & ((1u << lane) - 1));
      row.ids[at] = i * 32 + lane;
      row.chosen[at] = row.scores[i * 32 + lane];
    }
    before += __popc(all);
  }
  __syncwarp();
}

// kRows rows a thread block: all of its threads score, one warp a row chooses.
template <int kExperts, int kRows>
__global__ void __launch_bounds__(kThreads) Kernel(const __grid_constant__ GateArgs args) {
  __shared__ Row<kExperts> rows[kRows];
  constexpr int kThreadsPerRow = kThreads / kRows;
  const int thread = static_cast<int>(threadIdx.x) % kThreadsPerRow;
  const int64_t index = blockIdx.x * static_cast<int64_t>(kRows) + threadIdx.x / kThreadsPerRow;
  const GateParams& params = args.params;
  Row<kExperts>& row = rows[threadIdx.x / kThreadsPerRow];
  Score(params, index < args.rows ? params.experts : 0, args.logits + index * params.experts, args.bias, thread, kThreadsPerRow, row);
  if (index >= args.rows || thread >= 32) return;
  if (params.group_score != GateGroups::kNone && params.groups > 1) ExcludeGroups(params, row);
  TopK(params, row);
  float sum = 0;
  for (int k = 0; k < params.top_k; ++k) sum += row.chosen[k];
  if (thread >= params.top_k) return;
  float weight = row.chosen[thread];
  if (params.normalize) weight /= sum + 1e-20f;
  args.ids[index * params.top_k + thread] = row.ids[thread];
  args.weights[index * params.top_k + thread] = weight * params.scale;
}

template <int kExperts>
void Launch(const GateArgs& args, Stream stream) {
  if (args.rows <= kFewRows) {
    Kernel<kExperts, 1><<<static_cast<unsigned>(args.rows), kThreads, 0, stream>>>(args);
  } else {
    Kernel<kExperts, kWarps><<<static_cast<unsigned>((args.rows + kWarps - 1) / kWarps), kThreads, 0, stream>>>(args);
  }
}

}  // namespace

Status Gate(const GateArgs& args, Stream stream) {
  if (std::string problem = GateProblem(args); !problem.empty()) return Status(std::move(problem));
  if (args.rows == 0) return Status();
  if (args.params.experts <= kMaxGateExperts / 2) {
    Launch<kMaxGateExperts / 2>(args, stream);
  } else {
    Launch<kMaxGateExperts>(args, stream);
  }
  return LaunchStatus("Gate");
}

}  // namespace baleen::cuda
