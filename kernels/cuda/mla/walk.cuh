// Which tasks a thread block takes: a part of all splits of all rows, in order, about as long as every other block's.
#ifndef BALEEN_KERNELS_CUDA_MLA_WALK_CUH_
#define BALEEN_KERNELS_CUDA_MLA_WALK_CUH_

#include <cstdint>

#include "kernels/cuda/mla/block.cuh"
#include "kernels/cuda/mla/splits.h"

namespace baleen::cuda::mla {

inline constexpr int kWarps = kThreads / 32;

// The inclusive sum over the thread block's threads up to this one, and over all of them. `totals`: [kWarps].
__device__ inline int64_t ScanThreads(int64_t value, int64_t* totals, int64_t* all) {
  int64_t sum = value;
#pragma unroll
  for (int step = 1; step < 32; step *= 2) {
    const int64_t left = __shfl_up_sync(0xffffffffu, sum, step);
    if (threadIdx.x % 32 >= step) sum += left;
  }
  if (threadIdx.x % 32 == 31) totals[threadIdx.x / 32] = sum;
  __syncthreads();
  *all = 0;
  for (int warp = 0; warp < kWarps; ++warp) {
    if (warp == threadIdx.x / 32) sum += *all;
    *all += totals[warp];
  }
  return sum;
}

// Finds the part's first task and the one behind its last; `totals` is anywhere in shared memory that nothing else uses yet.
__device__ inline void FindTasks(const Params& params, int part, int parts, int64_t* totals, MlaTask* bounds) {
  const int rows = static_cast<int>(params.rows);
  const int each = (rows + kThreads - 1) / kThreads;
  const int begin = min(static_cast<int>(threadIdx.x) * each, rows);
  const int end = min(begin + each, rows);
  int64_t own = 0;
  for (int row = begin; row < end; ++row) own += RowCost(params.positions[row]);
  int64_t all;
  const int64_t reached = ScanThreads(own, totals, &all);
  if (threadIdx.x == 0) bounds[1] = {rows, 0};
  __syncthreads();
  for (int bound = 0; bound < 2; ++bound) {
    int64_t left = PartBegin(all, part + bound, parts) - (reached - own);
    if (left < 0 || left >= own) continue;
    int row = begin;
    for (int64_t cost = RowCost(params.positions[row]); left >= cost; cost = RowCost(params.positions[row])) {
      left -= cost;
      ++row;
    }
    bounds[bound] = {row, SplitAtCost(left)};
  }
  __syncthreads();
}

// Goes through the thread block's tasks.
class Walk {
 public:
  __device__ Walk(const Params& params, const MlaTask* bounds, int head_tile) : positions_(params.positions), end_(bounds[1]) {
    task_ = {};
    task_.row = bounds[0].row;
    task_.split = bounds[0].split;
    task_.head_tile = head_tile;
    last_row_ = static_cast<int>(params.rows) - 1;
    next_position_ = positions_[task_.row];
    EnterRow();
  }

  __device__ bool done() const { return task_.row == end_.row && task_.split == end_.split; }
  __device__ const Task& task() const { return task_; }

  // Returns whether the next task is of another row.
  __device__ bool Advance() {
    task_.even_before += (task_.blocks + 1) / 2;
    task_.odd_before += task_.blocks / 2;
    const bool same = task_.split + 1 < SplitsOf(task_.position);
    if (same) {
      ++task_.split;
      task_.blocks = BlocksOfSplit(task_.position, task_.split);
    } else {
      ++task_.row;
      ++task_.rows_before;
      task_.split = 0;
      EnterRow();
    }
    return !same;
  }

 private:
  // Reads one position ahead: nobody waits for it.
  __device__ void EnterRow() {
    task_.position = next_position_;
    task_.blocks = BlocksOfSplit(task_.position, task_.split);
    next_position_ = positions_[min(task_.row + 1, last_row_)];
  }

  const int32_t* positions_;
  MlaTask end_;
  int last_row_;
  int32_t next_position_;
  Task task_;
};

}  // namespace baleen::cuda::mla

#endif  // BALEEN_KERNELS_CUDA_MLA_WALK_CUH_
