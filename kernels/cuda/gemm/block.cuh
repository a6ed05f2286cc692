// What the roles of a GEMM block share: parameters, groups, shared memory, the ring of stages.
#ifndef BALEEN_KERNELS_CUDA_GEMM_BLOCK_CUH_
#define BALEEN_KERNELS_CUDA_GEMM_BLOCK_CUH_

#include <cstdint>

#include "kernels/cuda/base/swizzle.h"
#include "kernels/cuda/gemm/config.h"
#include "kernels/cuda/gemm/tile_schedule.h"
#include "kernels/cuda/ptx/mbarrier.cuh"

namespace baleen::cuda::gemm {

struct Params {
  RowGroups grouping;
  int groups;
  int cluster;  // Blocks.
  int64_t rows;
  int64_t outputs;
  int64_t inputs;
  void* y;
  int64_t ldy;
  const float* x_scale;
  int64_t x_scale_stride;
  const float* w_scale;
  const int32_t* group_rows;
  int64_t group_x_stride;
  int64_t group_y_stride;
};

// Of this block in its cluster.
__device__ inline int RankOf(const Params& params) { return static_cast<int>(blockIdx.x) % params.cluster; }

__device__ inline RowRange RowsOf(const Params& params, int group) {
  return RowsOfGroup(params.grouping, params.group_rows, params.groups, params.rows, group);
}

// Where a tile lies in y, and how many of its rows and columns there are.
struct Place {
  int32_t row;
  int32_t column;
  int32_t rows;
  int32_t columns;
  int32_t first_scale;  // Of its rows, among those that were copied.
};
static_assert(sizeof(Place) == kPlaceBytes);

// A block's shared memory.
template <typename Config>
struct Shared {
  uint8_t* stages;
  uint8_t* staged;
  uint8_t* scales;
  int32_t* ends;
  Barrier* full;
  Barrier* empty;
  Place* places;

  __device__ explicit Shared(uint8_t* raw) {
    stages = raw + (kSwizzleAtomBytes - SharedAddress(raw) % kSwizzleAtomBytes) % kSwizzleAtomBytes;
    // All of x, then all of w, then y: every tile begins at a multiple of 1024.
    staged = stages + Config::kStages * (Config::kXBytes + Config::kWBytes);
    scales = staged + Config::kStagedBytes;
    ends = reinterpret_cast<int32_t*>(scales + Config::kStages * Config::kScaleBytes);
    full = reinterpret_cast<Barrier*>(ends + kMaxRowGroups);
    empty = full + Config::kStages;
    places = reinterpret_cast<Place*>(empty + Config::kStages);
  }
  __device__ uint8_t* x(int stage) const { return stages + stage * Config::kXBytes; }
  __device__ uint8_t* w(int stage) const { return stages + Config::kStages * Config::kXBytes + stage * Config::kWBytes; }
  __device__ float* x_scale(int stage) const { return reinterpret_cast<float*>(scales + stage * Config::kScaleBytes); }
  __device__ float* w_scale(int stage) const { return x_scale(stage) + Config::kStoredRows + 4; }
};

// The tiles of one block, in order: every cluster takes tiles that lie beside each other, each block one of them.
template <typename Config>
class Walk {
 public:
  __device__ Walk(const Params& params, const int32_t* ends)
      : across_(static_cast<int>(Ceiling(params.outputs, Config::kTileOutputs)) / params.cluster),
        end_(ends[params.groups - 1] * across_),
        index_(static_cast<int>(blockIdx.x) / params.cluster) {}

  __device__ bool done() const { return index_ >= end_; }
  __device__ void Next(const Params& params) { index_ += static_cast<int>(gridDim.x) / params.cluster; }
  __device__ Tile TileOf(const Params& params, const int32_t* ends) const {
    Tile tile = TileAt(index_, ends, params.groups, across_);
    tile.n = tile.n * params.cluster + RankOf(params);
    return tile;
  }

 private:
  int across_;
  int end_;
  int index_;
};

// A ring of stages: which one is next, and the parity of its phase.
template <typename Config>
struct Ring {
  int stage = 0;
  uint32_t parity = 0;

  __device__ void Advance() {
    if (++stage == Config::kStages) {
      stage = 0;
      parity ^= 1;
    }
  }
};

// The places of tiles, by turns: as many as may be under way.
template <typename Config>
struct PlaceRing {
  int index = 0;

  __device__ void Advance() { index = index + 1 == Config::kPlaces ? 0 : index + 1; }
};

}  // namespace baleen::cuda::gemm

#endif  // BALEEN_KERNELS_CUDA_GEMM_BLOCK_CUH_
