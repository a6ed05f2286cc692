// The two warpgroups that multiply. The left one scores even blocks of keys and sums the left half of all values' channels, the right one
// scores odd blocks and sums the right half, so that one's softmax runs beside products of both.
#ifndef BALEEN_KERNELS_CUDA_MLA_ATTEND_CUH_
#define BALEEN_KERNELS_CUDA_MLA_ATTEND_CUH_

#include <cstdint>

#include "kernels/cuda/base/fragment.h"
#include "kernels/cuda/base/swizzle.h"
#include "kernels/cuda/mla/block.cuh"
#include "kernels/cuda/mla/load.cuh"
#include "kernels/cuda/mla/softmax.cuh"
#include "kernels/cuda/mla/store.cuh"
#include "kernels/cuda/ptx/mbarrier.cuh"
#include "kernels/cuda/ptx/wgmma.cuh"
#include "kernels/cuda/ptx/wgmma_along_k.cuh"

namespace baleen::cuda::mla {

inline constexpr int kLeft = 0;
inline constexpr int kRight = 1;
inline constexpr uint32_t kStepBytes = 2 * kSwizzleAtomBytes;  // 16 keys.

// Tells the compiler that all threads of a warp hold the same.
__device__ inline uint64_t Uniform(uint64_t value) { return __shfl_sync(0xffffffffu, value, 0); }

// Zeroes the keys of block `index` that the row does not see: a weight of zero times whatever lies there must be zero.
__device__ inline void ClearTailOf(const Shared& shared, const Task& task, int index) {
  const int visible = task.visible(index);
  if (visible == kKeyBlock) return;
  for (int tile = 0; tile < kTiles; ++tile) shared.full_tile(index, tile)->Wait(task.ParityOf(index));
  const int chunks = (kKeyBlock - visible) * kTiles * 8;
  for (int chunk = threadIdx.x % kRoleThreads; chunk < chunks; chunk += kRoleThreads) {
    const int row = visible + chunk / (kTiles * 8);
    const int tile = chunk % (kTiles * 8) / 8;
    *reinterpret_cast<uint4*>(shared.stage(index) + tile * kTileBytes + SwizzledOffset(row, chunk % 8 * 16)) = make_uint4(0, 0, 0, 0);
  }
  FenceAsyncProxy();
  NamedSync(kTailCleared + index % kStages, kRoleThreads);
}

// Issues the scores of a block, tile by tile as it arrives; one group of products.
__device__ inline void IssueScores(const Shared& shared, const Task& task, int index, float (&scores)[32]) {
  ClearTailOf(shared, task, index);
  const uint64_t query = Uniform(RowsAlongK(SharedAddress(shared.query)));
  const uint64_t keys = Uniform(RowsAlongK(SharedAddress(shared.stage(index))));
  PinSums(scores);
#pragma unroll
  for (int tile = 0; tile < kTiles; ++tile) {
    shared.full_tile(index, tile)->Wait(task.ParityOf(index));
    ProductsBegin();
#pragma unroll
    for (int step = 0; step < 4; ++step) {
      const uint32_t offset = tile * kTileBytes + step * 32;
      MultiplyBf16(scores, Advance(query, offset), Advance(keys, offset), tile == 0 && step == 0);
    }
  }
  ProductsCommit();
}

// Issues weights times one half of a block's values; one group of products. Weights in registers, or in shared memory.
__device__ inline void IssueValues(float (&sums)[128], const uint32_t (&packed)[4][4], const Shared& shared, int index, int half) {
  const uint64_t values = Uniform(RowsAlongN(SharedAddress(shared.stage(index)) + half * kHalfTiles * kTileBytes, kTileBytes));
  PinSums(sums);
  ProductsBegin();
#pragma unroll
  for (int j = 0; j < 4; ++j) MultiplyBf16N256AlongN(sums, packed[j], Advance(values, j * kStepBytes), false);
  ProductsCommit();
}
__device__ inline void IssueValues(float (&sums)[128], const Shared& shared, int index, int half) {
  const uint64_t values = Uniform(RowsAlongN(SharedAddress(shared.stage(index)) + half * kHalfTiles * kTileBytes, kTileBytes));
  const uint64_t weights = Uniform(RowsAlongK(SharedAddress(shared.weights(index))));
  PinSums(sums);
  ProductsBegin();
#pragma unroll
  for (int j = 0; j < 4; ++j) MultiplyBf16N256AlongN(sums, Advance(weights, 32 * j), Advance(values, j * kStepBytes), false);
  ProductsCommit();
}

// Multiplies sums, unless that changes none of the warp's.
__device__ inline void Rescale(float (&sums)[128], RowPair by) {
  if (__all_sync(0xffffffffu, by.own == 1.0f && by.below == 1.0f)) return;
  MultiplyRows(sums, by);
}

__device__ inline RowPair LoadRows(const float* of_heads) { return {of_heads[OwnHead()], of_heads[OwnHead() + 8]}; }
__device__ inline void StoreRows(float* of_heads, RowPair rows) {
  if (threadIdx.x % 4 != 0) return;
  of_heads[OwnHead()] = rows.own;
  of_heads[OwnHead() + 8] = rows.below;
}

__device__ inline void StoreWeights(uint8_t* weights, const uint32_t (&packed)[4][4]) {
  const int head = OwnHead();
  const int byte = threadIdx.x % 4 * 4;
#pragma unroll
  for (int j = 0; j < 4; ++j) {
#pragma unroll
    for (int k = 0; k < 2; ++k) {
      *reinterpret_cast<uint32_t*>(weights + SwizzledOffset(head, j * 32 + k * 16 + byte)) = packed[j][2 * k];
      *reinterpret_cast<uint32_t*>(weights + SwizzledOffset(head + 8, j * 32 + k * 16 + byte)) = packed[j][2 * k + 1];
    }
  }
  FenceAsyncProxy();
}

// What a warpgroup knows of the weights of the blocks that it scores.
struct Weights {
  RowPair maximum = {-INFINITY, -INFINITY};  // That the sum is relative to.
  RowPair sum = {0, 0};                      // This thread's share.
};

// One warp's word that its warpgroup has formed all its scores of the task.
__device__ inline void SayScored(const Shared& shared) {
  if (threadIdx.x % 32 == 0) shared.scored->Arrive();
}

// Turns a block's scores into weights and hands them to the other warpgroup. Returns what the sums so far are to be multiplied by.
__device__ inline RowPair Weigh(const Shared& shared, const Task& task, float scale, int index, float (&scores)[32], Weights* weights,
                                uint32_t (&packed)[4][4]) {
  if (index + kStages >= task.blocks) SayScored(shared);
  const int visible = task.visible(index);
  if (visible < kKeyBlock) MaskScores(scores, visible);
  RowPair before = {-INFINITY, -INFINITY};
  if (index > 0) before = LoadRows(shared.maximum + (index - 1) % kStages * kHeadTile);
  const RowPair top = TopOf(scores);
  const RowPair maximum = {NextMaximum(before.own, top.own * scale), NextMaximum(before.below, top.below * scale)};
  const RowPair rescale = {Exp2(before.own - maximum.own), Exp2(before.below - maximum.below)};
  const RowPair sum = WeighScores(scores, scale, maximum, packed);
  weights->sum.own = fmaf(weights->sum.own, Exp2(weights->maximum.own - maximum.own), sum.own);
  weights->sum.below = fmaf(weights->sum.below, Exp2(weights->maximum.below - maximum.below), sum.below);
  weights->maximum = maximum;
  StoreRows(shared.maximum + index % kStages * kHeadTile, maximum);
  StoreRows(shared.rescale + index % kStages * kHeadTile, rescale);
  NamedSync(kScored + index % kStages, kRoleThreads);  // All warps are done with the keys that the weights take the place of.
  StoreWeights(shared.weights(index), packed);
  NamedArrive(kWeightsReady + index % kStages, 2 * kRoleThreads);
  return rescale;
}

// The sum of weights of both warpgroups and the maximum that it is relative to.
__device__ inline Weights SumWeights(const Shared& shared, const Task& task, int half, const Weights& own) {
  Weights all;
  all.maximum = LoadRows(shared.maximum + (task.blocks - 1) % kStages * kHeadTile);
  StoreRows(shared.share + half * kHeadTile, {SumOfFour(own.sum.own) * Exp2(own.maximum.own - all.maximum.own),
                                              SumOfFour(own.sum.below) * Exp2(own.maximum.below - all.maximum.below)});
  NamedSync(kSharesReady, 2 * kRoleThreads);
  const RowPair left = LoadRows(shared.share);
  const RowPair right = LoadRows(shared.share + kHeadTile);
  all.sum = {left.own + right.own, left.below + right.below};
  NamedSync(kSharesReady, 2 * kRoleThreads);  // Read: the next task's may be written.
  return all;
}

// Waits for the products of values, whose block this warpgroup then needs no more.
__device__ inline void FinishValues(const Shared& shared, int index, int half, float (&sums)[128]) {
  ProductsWait<0>();
  PinSums(sums);
  Release(shared, index, half);
}

// A block of the other warpgroup's: its weights times this one's half of its values.
__device__ inline void SumOthers(const Shared& shared, int index, int half, float (&sums)[128]) {
  NamedSync(kWeightsReady + index % kStages, 2 * kRoleThreads);
  Rescale(sums, LoadRows(shared.rescale + index % kStages * kHeadTile));
  IssueValues(sums, shared, index, half);
}

__device__ inline void AttendLeft(const Params& params, const Shared& shared, const Task& task) {
  float sums[128] = {};
  float scores[32];
  uint32_t packed[4][4];
  Weights weights;
  shared.query_full->Wait(task.rows_before & 1);
  IssueScores(shared, task, 0, scores);
  ProductsWait<0>();
  PinSums(scores);
  for (int index = 0; index < task.blocks; index += 2) {
    Rescale(sums, Weigh(shared, task, params.scale, index, scores, &weights, packed));
    IssueValues(sums, packed, shared, index, kLeft);
    FinishValues(shared, index, kLeft, sums);
    if (index + 1 == task.blocks) break;
    SumOthers(shared, index + 1, kLeft, sums);
    FinishValues(shared, index + 1, kLeft, sums);
    if (index + 2 < task.blocks) IssueScores(shared, task, index + 2, scores);
    ProductsWait<0>();
    PinSums(scores);
  }
  const Weights all = SumWeights(shared, task, kLeft, weights);
  StoreStats(params, task, all.maximum, all.sum);
  StoreHalf(params, task, kLeft, sums, all.sum);
}

__device__ inline void AttendRight(const Params& params, const Shared& shared, const Task& task) {
  float sums[128] = {};
  float scores[32];
  uint32_t packed[4][4];
  Weights weights;
  shared.query_full->Wait(task.rows_before & 1);
  if (task.blocks == 1) SayScored(shared);
  int index = 0;
  for (; index + 1 < task.blocks; index += 2) {
    IssueScores(shared, task, index + 1, scores);
    SumOthers(shared, index, kRight, sums);
    ProductsWait<1>();  // The values go on while the scores become weights.
    PinSums(scores);
    const RowPair rescale = Weigh(shared, task, params.scale, index + 1, scores, &weights, packed);
    FinishValues(shared, index, kRight, sums);
    Rescale(sums, rescale);
    IssueValues(sums, packed, shared, index + 1, kRight);
    FinishValues(shared, index + 1, kRight, sums);
  }
  if (index < task.blocks) {
    SumOthers(shared, index, kRight, sums);
    FinishValues(shared, index, kRight, sums);
  }
  StoreHalf(params, task, kRight, sums, SumWeights(shared, task, kRight, weights).sum);
}

}  // namespace baleen::cuda::mla

#endif  // BALEEN_KERNELS_CUDA_MLA_ATTEND_CUH_
