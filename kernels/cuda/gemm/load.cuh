// The loading side of a GEMM block.
#ifndef BALEEN_KERNELS_CUDA_GEMM_LOAD_CUH_
#define BALEEN_KERNELS_CUDA_GEMM_LOAD_CUH_

#include <cuda.h>

#include <cstdint>
#include <type_traits>

#include "kernels/cuda/gemm/block.cuh"
#include "kernels/cuda/ptx/tma.cuh"

namespace baleen::cuda::gemm {

// ends[g] for all groups, by the block's first warp.
template <typename Config>
__device__ inline void SumTileRows(const Params& params, int32_t* ends) {
  const int lane = threadIdx.x % 32;
  int32_t before = 0;
  for (int first = 0; first < params.groups; first += 32) {
    const int group = first + lane;
    int32_t sum = group < params.groups ? static_cast<int32_t>(Ceiling(RowsOf(params, group).count, Config::kTileRows)) : 0;
#pragma unroll
    for (int step = 1; step < 32; step *= 2) {
      const int32_t other = __shfl_up_sync(0xffffffffu, sum, step);
      if (lane >= step) sum += other;
    }
    if (group < params.groups) ends[group] = before + sum;
    before += __shfl_sync(0xffffffffu, sum, 31);
  }
}

// What is copied of each row of x_scale for a tile that begins at `x_row`: from the multiple of 4 below it on, as the copy engine wants
// addresses, and nothing behind the array.
template <typename Config>
__device__ inline uint32_t ScaleBytes(const Params& params, int64_t x_row) {
  const int64_t left = params.x_scale_stride - x_row / 4 * 4;
  return static_cast<uint32_t>(left < Config::kScales ? left : Config::kScales) * 4;
}

// One thread: brings x and its scales, every slab of every tile. Each block of the cluster brings its share of the rows to all.
template <typename Config>
__device__ inline void LoadX(const Params& params, const Shared<Config>& shared, const CUtensorMap* map) {
  Ring<Config> ring;
  const int slabs = static_cast<int>(Ceiling(params.inputs, Config::kSlab));
  const int share_begin = Config::kTileRows / params.cluster * RankOf(params);
  const uint16_t everyone = static_cast<uint16_t>((1 << params.cluster) - 1);
  for (Walk<Config> walk(params, shared.ends); !walk.done(); walk.Next(params)) {
    const Tile tile = walk.TileOf(params, shared.ends);
    const int32_t row = static_cast<int32_t>(RowsOf(params, tile.group).begin + static_cast<int64_t>(tile.m) * Config::kTileRows);
    const uint32_t scale_bytes = Config::kScaled ? ScaleBytes<Config>(params, row) : 0;
    const float* scale = params.x_scale + row / 4 * 4;
    int32_t column = params.grouping == RowGroups::kBatched ? static_cast<int32_t>(tile.group * params.group_x_stride) : 0;
#pragma unroll 1
    for (int slab = 0; slab < slabs; ++slab) {
      Barrier* const full = shared.full + ring.stage;
      shared.empty[ring.stage].Wait(ring.parity ^ 1);
      full->ArriveExpect(Config::kTileRows * kSlabBytes + scale_bytes);
      if (params.cluster == 1) {
        LoadBox(map, full, shared.x(ring.stage), column, row);
      } else {
        LoadBoxTo(everyone, map, full, shared.x(ring.stage) + share_begin * kSlabBytes, column, row + share_begin);
      }
      if constexpr (Config::kScaled) LoadBytes(scale, full, shared.x_scale(ring.stage), scale_bytes);
      scale += params.x_scale_stride;
      column += Config::kSlab;
      ring.Advance();
    }
  }
}

// One thread of another warp, since issuing takes as long as the products of a small tile: brings w.
template <typename Config>
__device__ inline void LoadW(const Params& params, const Shared<Config>& shared, const CUtensorMap* map) {
  Ring<Config> ring;
  const int slabs = static_cast<int>(Ceiling(params.inputs, Config::kSlab));
  for (Walk<Config> walk(params, shared.ends); !walk.done(); walk.Next(params)) {
    const Tile tile = walk.TileOf(params, shared.ends);
    const int32_t row = static_cast<int32_t>(tile.group * params.outputs + static_cast<int64_t>(tile.n) * Config::kTileOutputs);
#pragma unroll 1
    for (int slab = 0; slab < slabs; ++slab) {
      Barrier* const full = shared.full + ring.stage;
      shared.empty[ring.stage].Wait(ring.parity ^ 1);
      full->ArriveExpect(Config::kWBytes);
      LoadBox(map, full, shared.w(ring.stage), slab * Config::kSlab, row);
      ring.Advance();
    }
  }
}

// The scales of a tile's weights, which lie within one block of 128 outputs or reach into a second one; of columns behind the outputs they
// do not count. A warp holds those of 32 slabs and fetches the next 32 before they are needed.
template <typename Config>
class WeightScales {
 public:
  __device__ WeightScales(const Params& params, const Tile& tile, int slabs)
      : slabs_(slabs), column_(tile.n * Config::kTileOutputs % kScaleBlock) {
    static_assert(Config::kTileOutputs <= 192);
    const int blocks = static_cast<int>(Ceiling(params.outputs, kScaleBlock));
    const int block = tile.n * Config::kTileOutputs / kScaleBlock;
    scales_ = params.w_scale + (static_cast<int64_t>(tile.group) * blocks + block) * slabs;
    to_second_ = block + 1 < blocks ? slabs : 0;
    Fetch(0);
  }

  // Of slab 0, 1, 2 ... in turn. Called by a whole warp; one thread writes them.
  __device__ void Write(int slab, bool writes, float* to) {
    if (slab % 32 == 0) {
      first_ = next_first_;
      second_ = next_second_;
      Fetch(slab + 32);
    }
    const float first = __shfl_sync(0xffffffffu, first_, slab % 32);
    const float second = Config::kScaleParts == 1 ? first : __shfl_sync(0xffffffffu, second_, slab % 32);
    if (!writes) return;
#pragma unroll
    for (int part = 0; part < Config::kScaleParts; ++part) {
      to[part] = column_ + part * Config::kScaleOutputs < kScaleBlock ? first : second;
    }
  }

 private:
  __device__ void Fetch(int slab) {
    const int mine = slab + static_cast<int>(threadIdx.x) % 32;
    if (mine >= slabs_) return;
    next_first_ = __ldg(scales_ + mine);
    if (Config::kScaleParts > 1) next_second_ = __ldg(scales_ + mine + to_second_);
  }

  const float* scales_;
  int slabs_;
  int to_second_;
  int column_;  // Of the tile's first, in its block.
  float first_ = 0;
  float second_ = 0;
  float next_first_ = 0;
  float next_second_ = 0;
};

// Where there are no scales.
struct NoScales {
  __device__ NoScales(const Params&, const Tile&, int) {}
  __device__ void Write(int, bool, float*) {}
};

template <typename Config>
__device__ inline Place PlaceOf(const Params& params, const Tile& tile) {
  const RowRange group = RowsOf(params, tile.group);
  const int64_t first = static_cast<int64_t>(tile.m) * Config::kTileRows;
  const int64_t column = static_cast<int64_t>(tile.n) * Config::kTileOutputs;
  const int64_t shift = params.grouping == RowGroups::kBatched ? tile.group * params.group_y_stride : 0;
  Place place;
  place.row = static_cast<int32_t>(group.begin + first);
  place.column = static_cast<int32_t>(shift + column);
  place.rows = static_cast<int32_t>(min(group.count - first, static_cast<int64_t>(Config::kTileRows)));
  place.columns = static_cast<int32_t>(min(params.outputs - column, static_cast<int64_t>(Config::kTileOutputs)));
  place.first_scale = static_cast<int32_t>(group.begin % 4);
  return place;
}

// A third warp: says of every tile where it goes, and of every slab the weights' scales, so that those who multiply work nothing out.
template <typename Config>
__device__ inline void Describe(const Params& params, const Shared<Config>& shared) {
  Ring<Config> ring;
  PlaceRing<Config> places;
  const int slabs = static_cast<int>(Ceiling(params.inputs, Config::kSlab));
  const bool writes = threadIdx.x % 32 == 0;
  for (Walk<Config> walk(params, shared.ends); !walk.done(); walk.Next(params)) {
    const Tile tile = walk.TileOf(params, shared.ends);
    const Place place = PlaceOf<Config>(params, tile);
    std::conditional_t<Config::kScaled, WeightScales<Config>, NoScales> scales(params, tile, slabs);
#pragma unroll 1
    for (int slab = 0; slab < slabs; ++slab) {
      shared.empty[ring.stage].Wait(ring.parity ^ 1);
      if (slab == 0 && writes) shared.places[places.index] = place;
      scales.Write(slab, writes, shared.w_scale(ring.stage));
      if (writes) shared.full[ring.stage].Arrive();
      ring.Advance();
    }
    places.Advance();
  }
}

}  // namespace baleen::cuda::gemm

#endif  // BALEEN_KERNELS_CUDA_GEMM_LOAD_CUH_
