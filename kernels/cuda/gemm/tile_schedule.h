// Which tile of a grouped product a block computes when. Pure functions of group sizes, so that every block, every role in it and the tests
// agree. There are fewer than 2^31 tiles.
#ifndef BALEEN_KERNELS_CUDA_GEMM_TILE_SCHEDULE_H_
#define BALEEN_KERNELS_CUDA_GEMM_TILE_SCHEDULE_H_

#include <cstdint>

#include "kernels/host_device.h"

namespace baleen::cuda {

// Below 2^31 with room for a tile's overhang: coordinates of the copy engine are 32-bit and signed.
inline constexpr int64_t kMaxGemmSize = (int64_t{1} << 31) - 4096;
// Elements of y, rows of all groups together: so that the smallest tiles are fewer than 2^31.
inline constexpr int64_t kMaxGemmElements = int64_t{1} << 38;
// So many tiles above each other share the weights that pass through the L2 cache before the next columns come.
inline constexpr int kBandTiles = 16;

BALEEN_HOST_DEVICE constexpr int64_t Ceiling(int64_t value, int64_t divisor) { return (value + divisor - 1) / divisor; }

// Tile (m, n) of a group.
struct Tile {
  int group;
  int m;
  int n;
};

// Within a group of m_tiles x n_tiles: bands of kBandTiles rows of tiles, column after column, downwards in each.
BALEEN_HOST_DEVICE constexpr Tile TileInGroup(int index, int m_tiles, int n_tiles) {
  const int above = index / (kBandTiles * n_tiles) * kBandTiles;
  const int height = m_tiles - above < kBandTiles ? m_tiles - above : kBandTiles;
  const int rest = index - above * n_tiles;
  const int column = rest / height;
  return {0, above + rest - column * height, column};
}

// ends[g] = rows of tiles in groups 0 .. g. The first group whose end lies behind `row`; `row` < ends[groups - 1].
BALEEN_HOST_DEVICE constexpr int GroupOfTileRow(const int32_t* ends, int groups, int row) {
  int low = 0;
  int high = groups - 1;
  while (low < high) {
    const int middle = (low + high) / 2;
    if (ends[middle] > row) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  return low;
}

// Tile `index` of all; groups one after the other. `index` < ends[groups - 1] * n_tiles.
BALEEN_HOST_DEVICE constexpr Tile TileAt(int index, const int32_t* ends, int groups, int n_tiles) {
  const int group = GroupOfTileRow(ends, groups, index / n_tiles);
  const int before = group == 0 ? 0 : ends[group - 1];
  Tile tile = TileInGroup(index - before * n_tiles, ends[group] - before, n_tiles);
  tile.group = group;
  return tile;
}

}  // namespace baleen::cuda

#endif  // BALEEN_KERNELS_CUDA_GEMM_TILE_SCHEDULE_H_
