// The attention kernel: a thread block takes 64 heads of one row over one split of its keys. One warpgroup forms scores and weights and
// sums the left half of the values, one sums the right half, one loads.
#ifndef BALEEN_KERNELS_CUDA_MLA_KERNEL_CUH_
#define BALEEN_KERNELS_CUDA_MLA_KERNEL_CUH_

#include <cuda.h>
#include <cuda_bf16.h>

#include <cstdint>

#include "kernels/cuda/base/fragment.h"
#include "kernels/cuda/base/swizzle.h"
#include "kernels/cuda/mla/block.cuh"
#include "kernels/cuda/mla/softmax.cuh"
#include "kernels/cuda/ptx/mbarrier.cuh"
#include "kernels/cuda/ptx/tma.cuh"
#include "kernels/cuda/ptx/wgmma.cuh"
#include "kernels/cuda/ptx/wgmma_along_k.cuh"

namespace baleen::cuda::mla {

// What one thread block has to do.
struct Task {
  MlaWork work;
  int64_t position;
  int blocks;  // Of keys.

  __device__ int64_t first_block() const { return static_cast<int64_t>(work.split) * kSplitBlocks; }
  __device__ int visible(int index) const { return VisibleKeys(position, first_block() + index); }
};

// One thread: queries, then the blocks of keys, as stages become free.
__device__ inline void Load(const Params& params, const Shared& shared, const Task& task, const CUtensorMap* map_query,
                            const CUtensorMap* map_pages) {
  shared.query_full->ArriveExpect(kBlockBytes);
  for (int tile = 0; tile < kTiles; ++tile) {
    LoadBox(map_query, shared.query_full, shared.query + tile * kTileBytes, tile * 64, task.work.head_tile * kHeadTile,
            static_cast<int32_t>(task.work.row));
  }
  const int32_t* const pages = params.blocks + params.first_block[task.work.row] + task.first_block();
  for (int index = 0; index < task.blocks; ++index) {
    Barrier* const full = shared.full + index % kStages;
    const int32_t page = pages[index];
    shared.empty[index % kStages].Wait(ParityOf(index) ^ 1);
    full->ArriveExpect(kBlockBytes);
    for (int tile = 0; tile < kTiles; ++tile) LoadBox(map_pages, full, shared.stage(index) + tile * kTileBytes, tile * 64, 0, page);
  }
}

inline constexpr uint32_t kStepBytes = 2 * kSwizzleAtomBytes;  // 16 keys.

// Tells the compiler that all threads of a warp hold the same.
__device__ inline uint64_t Uniform(uint64_t value) { return __shfl_sync(0xffffffffu, value, 0); }

// Zeroes the keys that the row does not see: a weight of zero times whatever lies there must be zero.
__device__ inline void ClearTail(uint8_t* keys, int visible) {
  const int chunks = (64 - visible) * kTiles * 8;
  for (int chunk = threadIdx.x % kRoleThreads; chunk < chunks; chunk += kRoleThreads) {
    const int row = visible + chunk / (kTiles * 8);
    const int tile = chunk % (kTiles * 8) / 8;
    *reinterpret_cast<uint4*>(keys + tile * kTileBytes + SwizzledOffset(row, chunk % 8 * 16)) = make_uint4(0, 0, 0, 0);
  }
  FenceAsyncProxy();
  NamedSync(kTailCleared, kRoleThreads);
}

// Waits for a block of keys and issues its scores; one group of products.
__device__ inline void IssueScores(const Shared& shared, const Task& task, int index, float (&scores)[32]) {
  shared.full[index % kStages].Wait(ParityOf(index));
  const int visible = task.visible(index);
  if (visible < kKeyBlock) ClearTail(shared.stage(index), visible);
  const uint64_t query = Uniform(RowsAlongK(SharedAddress(shared.query)));
  const uint64_t keys = Uniform(RowsAlongK(SharedAddress(shared.stage(index))));
  PinSums(scores);
  ProductsBegin();
#pragma unroll
  for (int step = 0; step < kMlaWidth / 16; ++step) {
    const uint32_t offset = step / 4 * kTileBytes + step % 4 * 32;
    MultiplyBf16(scores, Advance(query, offset), Advance(keys, offset), step == 0);
  }
  ProductsCommit();
}

__device__ inline void Rescale(float (&sums)[128], RowPair by) {
#pragma unroll
  for (int i = 0; i < 128; i += 4) {
    sums[i] *= by.own;
    sums[i + 1] *= by.own;
    sums[i + 2] *= by.below;
    sums[i + 3] *= by.below;
  }
}

// The head of a thread's own row within the tile.
__device__ inline int OwnHead() { return FragmentRow(threadIdx.x % kRoleThreads, 0); }

__device__ inline void ShareWeights(const Shared& shared, const uint32_t (&packed)[4][4], RowPair rescale) {
  const int head = OwnHead();
  const int byte = threadIdx.x % 4 * 4;
#pragma unroll
  for (int j = 0; j < 4; ++j) {
#pragma unroll
    for (int k = 0; k < 2; ++k) {
      *reinterpret_cast<uint32_t*>(shared.weights + SwizzledOffset(head, j * 32 + k * 16 + byte)) = packed[j][2 * k];
      *reinterpret_cast<uint32_t*>(shared.weights + SwizzledOffset(head + 8, j * 32 + k * 16 + byte)) = packed[j][2 * k + 1];
    }
  }
  if (threadIdx.x % 4 == 0) {
    shared.rescale[head] = rescale.own;
    shared.rescale[head + 8] = rescale.below;
  }
  FenceAsyncProxy();
}

// One half [64 heads, 256 channels] of the sums, to the context or, unnormalised, to the workspace.
__device__ inline void StoreHalf(const Params& params, const Task& task, int half, float (&sums)[128], RowPair inverse) {
  const bool whole = SplitsOf(task.position) == 1;
  if (whole) Rescale(sums, inverse);
  const int first = task.work.head_tile * kHeadTile + OwnHead();
#pragma unroll
  for (int lower = 0; lower < 2; ++lower) {
    const int head = first + 8 * lower;
    if (head >= params.heads) continue;
    const int64_t channel = half * 256 + threadIdx.x % 4 * 2;
    if (whole) {
      Bf16* const to = params.context + (task.work.row * params.heads + head) * kMlaLatent + channel;
#pragma unroll
      for (int i = 0; i < 32; ++i)
        *reinterpret_cast<uint32_t*>(to + 8 * i) = PackBf16(sums[4 * i + 2 * lower], sums[4 * i + 2 * lower + 1]);
    } else {
      const int64_t index = PartialIndex(task.work.row, task.work.split, head, params.most_splits, params.heads);
      float* const to = params.partial_sums + index * kMlaLatent + channel;
#pragma unroll
      for (int i = 0; i < 32; ++i)
        *reinterpret_cast<float2*>(to + 8 * i) = make_float2(sums[4 * i + 2 * lower], sums[4 * i + 2 * lower + 1]);
    }
  }
}

__device__ inline void StoreStats(const Params& params, const Task& task, const SoftmaxState& state, RowPair weight) {
  if (SplitsOf(task.position) == 1 || threadIdx.x % 4 != 0) return;
  const int head = task.work.head_tile * kHeadTile + OwnHead();
  const int64_t index = PartialIndex(task.work.row, task.work.split, head, params.most_splits, params.heads);
  if (head < params.heads) params.partial_stats[index] = make_float2(state.maximum.own, weight.own);
  if (head + 8 < params.heads) params.partial_stats[index + 8] = make_float2(state.maximum.below, weight.below);
}

// Issues weights times one half of a block's values; A from registers.
__device__ inline void IssueValues(float (&sums)[128], const uint32_t (&packed)[4][4], const uint8_t* block) {
  const uint64_t values = Uniform(RowsAlongN(SharedAddress(block), kTileBytes));
  PinSums(sums);
  ProductsBegin();
#pragma unroll
  for (int j = 0; j < 4; ++j) MultiplyBf16N256AlongN(sums, packed[j], Advance(values, j * kStepBytes), false);
  ProductsCommit();
}

// Scores, weights, and the left half of the sums. The next block's scores run while this one's values are summed.
__device__ inline void ScoreAndSumLeft(const Params& params, const Shared& shared, const Task& task) {
  float sums[128] = {};
  float scores[32];
  SoftmaxState state;
  shared.query_full->Wait(0);
  IssueScores(shared, task, 0, scores);
  ProductsWait<0>();
  PinSums(scores);
  for (int index = 0; index < task.blocks; ++index) {
    uint32_t packed[4][4];
    const RowPair rescale = WeighBlock(scores, params.scale, task.visible(index), &state, packed);
    if (index > 0) NamedSync(kWeightsFree, 2 * kRoleThreads);
    ShareWeights(shared, packed, rescale);
    NamedArrive(kWeightsReady, 2 * kRoleThreads);
    Rescale(sums, rescale);
    IssueValues(sums, packed, shared.stage(index));
    if (index + 1 < task.blocks) {
      IssueScores(shared, task, index + 1, scores);
      ProductsWait<1>();
      if (threadIdx.x % 32 == 0) shared.empty[index % kStages].Arrive();
    }
    ProductsWait<0>();
    PinSums(sums);
    PinSums(scores);
  }
  const RowPair weight = {SumOfFour(state.weight.own), SumOfFour(state.weight.below)};
  const RowPair inverse = {1.0f / weight.own, 1.0f / weight.below};
  if (threadIdx.x % 4 == 0) {
    shared.inverse[OwnHead()] = inverse.own;
    shared.inverse[OwnHead() + 8] = inverse.below;
  }
  NamedArrive(kInverseReady, 2 * kRoleThreads);
  StoreStats(params, task, state, weight);
  StoreHalf(params, task, 0, sums, inverse);
}

// The right half of the sums, with the weights of the other warpgroup.
__device__ inline void SumRight(const Params& params, const Shared& shared, const Task& task) {
  float sums[128] = {};
  const int head = OwnHead();
  const uint64_t weights = Uniform(RowsAlongK(SharedAddress(shared.weights)));
  for (int index = 0; index < task.blocks; ++index) {
    shared.full[index % kStages].Wait(ParityOf(index));
    NamedSync(kWeightsReady, 2 * kRoleThreads);
    Rescale(sums, {shared.rescale[head], shared.rescale[head + 8]});
    const uint64_t values = Uniform(RowsAlongN(SharedAddress(shared.stage(index)) + 4 * kTileBytes, kTileBytes));
    PinSums(sums);
    ProductsBegin();
#pragma unroll
    for (int j = 0; j < 4; ++j) MultiplyBf16N256AlongN(sums, Advance(weights, 32 * j), Advance(values, j * kStepBytes), false);
    ProductsCommit();
    ProductsWait<0>();
    PinSums(sums);
    if (index + 1 < task.blocks) {
      if (threadIdx.x % 32 == 0) shared.empty[index % kStages].Arrive();
      NamedArrive(kWeightsFree, 2 * kRoleThreads);
    }
  }
  NamedSync(kInverseReady, 2 * kRoleThreads);
  StoreHalf(params, task, 1, sums, {shared.inverse[head], shared.inverse[head + 8]});
}

__global__ void __launch_bounds__(kThreads, 1)
    Kernel(const __grid_constant__ CUtensorMap map_query, const __grid_constant__ CUtensorMap map_pages,
           const __grid_constant__ Params params) {
  extern __shared__ uint8_t raw[];
  Task task;
  task.work = MlaWorkAt(blockIdx.x, params.head_tiles, params.most_splits);
  task.position = params.positions[task.work.row];
  task.blocks = BlocksOfSplit(task.position, task.work.split);
  if (task.blocks <= 0) return;
  const Shared shared(raw);
  if (threadIdx.x == 0) {
    shared.query_full->Init(1);
    for (int stage = 0; stage < kStages; ++stage) {
      shared.full[stage].Init(1);
      shared.empty[stage].Init(2 * kRoleThreads / 32);
    }
    FenceBarrierInit();
  }
  __syncthreads();
  const int role = threadIdx.x / kRoleThreads;
  if (role == 2) {
    ReleaseRegisters<24>();
    if (threadIdx.x == 2 * kRoleThreads) Load(params, shared, task, &map_query, &map_pages);
  } else {
    TakeRegisters<240>();
    if (role == 0) {
      ScoreAndSumLeft(params, shared, task);
    } else {
      SumRight(params, shared, task);
    }
  }
}

}  // namespace baleen::cuda::mla

#endif  // BALEEN_KERNELS_CUDA_MLA_KERNEL_CUH_
