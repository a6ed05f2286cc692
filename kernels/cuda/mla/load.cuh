// What fills shared memory: one warp for each half of the values' channels.
#ifndef BALEEN_KERNELS_CUDA_MLA_LOAD_CUH_
#define BALEEN_KERNELS_CUDA_MLA_LOAD_CUH_

#include <cuda.h>

#include <cstdint>

#include "kernels/cuda/mla/block.cuh"
#include "kernels/cuda/mla/walk.cuh"
#include "kernels/cuda/ptx/mbarrier.cuh"
#include "kernels/cuda/ptx/tma.cuh"

namespace baleen::cuda::mla {

// LoadBox of keys, which nobody reads again soon: they leave the L2 cache first.
__device__ inline void LoadKeys(const CUtensorMap* map, Barrier* done, void* to, int32_t column, int32_t row, int32_t plane) {
  constexpr uint64_t kEvictFirst = 0x12f0000000000000;  // What createpolicy.fractional.L2::evict_first makes for all of it.
  asm volatile(
      "cp.async.bulk.tensor.3d.shared::cluster.global.mbarrier::complete_tx::bytes.L2::cache_hint [%0], [%1, {%3, %4, %5}], [%2], %6;" ::
          "r"(SharedAddress(to)),
      "l"(reinterpret_cast<uint64_t>(map)), "r"(SharedAddress(done)), "r"(column), "r"(row), "r"(plane), "l"(kEvictFirst)
      : "memory");
}

struct Maps {
  const CUtensorMap* query;
  const CUtensorMap* pages;
};

// The tiles that one thread loads of block `index`: half the values' channels, and the rotated part with the half whose warpgroup reads the
// weights kept in its place.
struct Tiles {
  int begin;
  int end;
  bool rope;

  __device__ Tiles(int index, int half) : begin(half * kHalfTiles), end(begin + kHalfTiles), rope(index % 2 != half) {}
  __device__ uint32_t bytes() const { return (kHalfTiles + (rope ? 1 : 0)) * kTileBytes; }
};

__device__ inline void LoadQueryTile(const Shared& shared, const Task& task, const Maps& maps, int tile) {
  LoadBox(maps.query, shared.query_full, shared.query + tile * kTileBytes, tile * 64, task.head_tile * kHeadTile, task.row);
}

// The queries of a task's row, as far as they go with block 0, once nobody reads those before them.
__device__ inline void LoadQuery(const Shared& shared, const Task& task, const Maps& maps, int half, int tasks_before) {
  if (tasks_before > 0) shared.scored->Wait((tasks_before - 1) & 1);
  const Tiles tiles(0, half);
  shared.query_full->ArriveExpect(tiles.bytes());
  for (int tile = tiles.begin; tile < tiles.end; ++tile) LoadQueryTile(shared, task, maps, tile);
  if (tiles.rope) LoadQueryTile(shared, task, maps, kRopeTile);
}

__device__ inline void LoadKeyTile(const Shared& shared, const Maps& maps, int index, int tile, int32_t page) {
  Barrier* const full = shared.full_tile(index, tile);
  full->ArriveExpect(kTileBytes);
  LoadKeys(maps.pages, full, shared.stage(index) + tile * kTileBytes, tile * 64, 0, page);
}

// One thread: half of all that the block's tasks need, each stage's as that half of the block before in it has been used.
__device__ inline void LoadHalf(const Params& params, const Shared& shared, Walk walk, const Maps& maps, int half) {
  bool new_row = true;
  for (int tasks_before = 0; !walk.done(); ++tasks_before) {
    const Task& task = walk.task();
    const int32_t* const pages = params.blocks + params.first_block[task.row] + task.first_block();
    for (int index = 0; index < task.blocks; ++index) {
      const int32_t page = pages[index];
      shared.empty_half(index, half)->Wait(task.ParityOf(index) ^ 1);
      if (index == 0 && new_row) LoadQuery(shared, task, maps, half, tasks_before);
      const Tiles tiles(index, half);
      for (int tile = tiles.begin; tile < tiles.end; ++tile) LoadKeyTile(shared, maps, index, tile, page);
      if (tiles.rope) LoadKeyTile(shared, maps, index, kRopeTile, page);
    }
    new_row = walk.Advance();
  }
}

// One warp's word that its warpgroup's half of a block has been used.
__device__ inline void Release(const Shared& shared, int index, int half) {
  if (threadIdx.x % 32 == 0) shared.empty_half(index, half)->Arrive();
}

}  // namespace baleen::cuda::mla

#endif  // BALEEN_KERNELS_CUDA_MLA_LOAD_CUH_
