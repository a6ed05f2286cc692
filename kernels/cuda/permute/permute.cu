#include "kernels/cuda/base/launch.h"
#include "kernels/cuda/base/warp.cuh"
#include "kernels/cuda/permute/permute.h"

namespace baleen::cuda {
namespace {

constexpr int kThreads = 256;
constexpr int kWarps = kThreads / 32;

__device__ int GroupOf(const PlanPermuteArgs& args, int32_t id) { return id >= 0 && id < args.experts ? args.group_of_expert[id] : -1; }

// One thread block a group: counts the group's copies and gives each its rank, in order. Block 0 also marks copies that have no group.
__global__ void __launch_bounds__(kThreads) RankKernel(const __grid_constant__ PlanPermuteArgs args) {
  __shared__ int32_t counts[kWarps];
  const int group = blockIdx.x;
  const int warp = threadIdx.x / 32;
  const int lane = threadIdx.x % 32;
  const int64_t copies = args.rows * args.top_k;
  int32_t before = 0;
  for (int64_t first = 0; first < copies; first += kThreads) {
    const int64_t copy = first + threadIdx.x;
    const int own = copy < copies ? GroupOf(args, args.ids[copy]) : -2;
    const uint32_t members = __ballot_sync(kAllLanes, own == group);
    if (lane == 0) counts[warp] = __popc(members);
    __syncthreads();
    int32_t earlier = before;
    for (int other = 0; other < kWarps; ++other) {
      if (other < warp) earlier += counts[other];
      before += counts[other];
    }
    if (own == group) args.slots[copy] = earlier + __popc(members & ((1u << lane) - 1));
    if (group == 0 && own < 0 && copy < copies) args.slots[copy] = -1;
    __syncthreads();
  }
  if (threadIdx.x == 0) args.group_rows[group] = before;
}

// Counts into offsets, by one warp.
__global__ void __launch_bounds__(32) OffsetKernel(int32_t* group_rows, int groups) {
  const int lane = threadIdx.x;
  int32_t before = 0;
  for (int first = 0; first < groups; first += 32) {
    const int group = first + lane;
    const int32_t count = group < groups ? group_rows[group] : 0;
    int32_t sum = count;
#pragma unroll
    for (int step = 1; step < 32; step *= 2) {
      const int32_t other = __shfl_up_sync(kAllLanes, sum, step);
      if (lane >= step) sum += other;
    }
    if (group < groups) group_rows[group] = before + sum - count;
    before += __shfl_sync(kAllLanes, sum, 31);
  }
  if (lane == 0) group_rows[groups] = before;
}

// Ranks into slots.
__global__ void __launch_bounds__(kThreads) SlotKernel(const __grid_constant__ PlanPermuteArgs args) {
  const int64_t copy = blockIdx.x * static_cast<int64_t>(kThreads) + threadIdx.x;
  if (copy >= args.rows * args.top_k) return;
  const int group = GroupOf(args, args.ids[copy]);
  if (group < 0) return;
  const int64_t begin = args.grouping == RowGroups::kMasked ? group * args.capacity : args.group_rows[group];
  args.slots[copy] += static_cast<int32_t>(begin);
}

// One thread block a row, which is read once.
__global__ void __launch_bounds__(kThreads) PermuteKernel(const __grid_constant__ PermuteArgs args) {
  const int64_t row = blockIdx.x;
  const int32_t* const slots = args.slots + row * args.top_k;
  const int64_t chunks = args.row_bytes / 16;
  const uint4* const from = static_cast<const uint4*>(args.x) + row * chunks;
  for (int64_t chunk = threadIdx.x; chunk < chunks; chunk += kThreads) {
    const uint4 value = from[chunk];
    for (int k = 0; k < args.top_k; ++k) {
      if (slots[k] >= 0) static_cast<uint4*>(args.y)[slots[k] * chunks + chunk] = value;
    }
  }
  for (int64_t block = threadIdx.x; block < args.scale_blocks; block += kThreads) {
    const float scale = args.x_scales[block * args.x_scale_stride + row];
    for (int k = 0; k < args.top_k; ++k) {
      if (slots[k] >= 0) args.y_scales[block * args.y_scale_stride + slots[k]] = scale;
    }
  }
}

__device__ float4 AddTimes(float4 sum, float weight, float4 x) {
  return make_float4(sum.x + weight * x.x, sum.y + weight * x.y, sum.z + weight * x.z, sum.w + weight * x.w);
}

__global__ void __launch_bounds__(kThreads) CombineKernel(const __grid_constant__ CombineArgs args) {
  const int64_t row = blockIdx.x;
  const int32_t* const slots = args.slots + row * args.top_k;
  for (int64_t channel = threadIdx.x * 4; channel < args.hidden; channel += kThreads * 4) {
    float4 sum = make_float4(0, 0, 0, 0);
    for (int k = 0; k < args.top_k; ++k) {
      if (slots[k] < 0) continue;
      sum = AddTimes(sum, args.weights[row * args.top_k + k], LoadFour(args.y + slots[k] * args.hidden + channel));
    }
    if (args.shared != nullptr) sum = AddTimes(sum, 1.0f, LoadFour(args.shared + row * args.hidden + channel));
    float* const to = args.residual + row * args.hidden + channel;
    *reinterpret_cast<float4*>(to) = AddTimes(LoadFour(to), 1.0f, sum);
  }
}

}  // namespace

Status PlanPermute(const PlanPermuteArgs& args, Stream stream) {
  if (std::string problem = PlanPermuteProblem(args); !problem.empty()) return Status(std::move(problem));
  RankKernel<<<static_cast<unsigned>(args.groups), kThreads, 0, stream>>>(args);
  if (args.grouping == RowGroups::kContiguous) OffsetKernel<<<1, 32, 0, stream>>>(args.group_rows, args.groups);
  const unsigned blocks = static_cast<unsigned>((args.rows * args.top_k + kThreads - 1) / kThreads);
  if (blocks > 0) SlotKernel<<<blocks, kThreads, 0, stream>>>(args);
  return LaunchStatus("PlanPermute");
}

Status Permute(const PermuteArgs& args, Stream stream) {
  if (std::string problem = PermuteProblem(args); !problem.empty()) return Status(std::move(problem));
  if (args.rows == 0) return Status();
  PermuteKernel<<<static_cast<unsigned>(args.rows), kThreads, 0, stream>>>(args);
  return LaunchStatus("Permute");
}

Status Combine(const CombineArgs& args, Stream stream) {
  if (std::string problem = CombineProblem(args); !problem.empty()) return Status(std::move(problem));
  if (args.rows == 0) return Status();
  CombineKernel<<<static_cast<unsigned>(args.rows), kThreads, 0, stream>>>(args);
  return LaunchStatus("Combine");
}

}  // namespace baleen::cuda
