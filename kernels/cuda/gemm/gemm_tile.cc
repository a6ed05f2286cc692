#include "kernels/cuda/gemm/gemm_tile.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "kernels/cuda/gemm/tile_schedule.h"

namespace baleen::cuda {
namespace {

struct Shape {
  int rows;
  int outputs;
};

template <size_t kCount>
std::vector<GemmTile> WithClusters(const Shape (&shapes)[kCount]) {
  std::vector<GemmTile> tiles;
  for (const Shape& shape : shapes) {
    for (const int cluster : {1, 2}) {
      if (shape.rows / cluster >= 8) tiles.push_back({shape.rows, shape.outputs, cluster});
    }
  }
  return tiles;
}

}  // namespace

std::span<const GemmTile> GemmTiles(DType input, DType output) {
  constexpr Shape kFp8[] = {{16, 128}, {64, 16}, {64, 32}, {64, 64}, {64, 128}, {64, 192}, {128, 64}, {128, 128}, {128, 192}, {256, 128}};
  constexpr Shape kFp8ToF32[] = {{128, 128}};
  constexpr Shape kBf16[] = {{64, 32}, {64, 64}, {64, 128}, {128, 128}, {256, 128}};
  constexpr Shape kBf16ToF32[] = {{64, 16}, {64, 128}, {128, 128}};
  static const std::vector<GemmTile> fp8 = WithClusters(kFp8);
  static const std::vector<GemmTile> fp8_to_f32 = WithClusters(kFp8ToF32);
  static const std::vector<GemmTile> bf16 = WithClusters(kBf16);
  static const std::vector<GemmTile> bf16_to_f32 = WithClusters(kBf16ToF32);
  if (input == DType::kF8E4m3) return output == DType::kBf16 ? fp8 : fp8_to_f32;
  return output == DType::kBf16 ? bf16 : bf16_to_f32;
}

bool GemmTileSuits(const GemmTile& tile, int64_t outputs) { return Ceiling(outputs, tile.outputs) % tile.cluster == 0; }

// Cycles of a multiprocessor. Waves of tiles follow one another, but tiles that wait for memory share it, so that bytes count in parts of
// waves. The constants are fitted to the times of all tiles on DeepSeek-V3's shapes, measured on an H200 (kernel_bench --tiles).
double GemmTileCost(const GemmTile& tile, const GemmSizes& sizes, int multiprocessors) {
  constexpr double kCyclesPerByte = 1 / 47.0;               // Into a multiprocessor.
  constexpr double kCyclesPerSum[] = {1.8 / 32, 1.5 / 32};  // Of a slab, 128 bytes of K, with scaling: by one warpgroup, by two.
  constexpr double kNotHidden = 0.04;                       // Of a slab's load, behind its products.
  constexpr double kLeastCycles = 115;                      // Of a slab's way from arrival to sums.
  constexpr double kTileCycles = 300;                       // A tile's begin.
  constexpr double kStoreCycles = 0.04;                     // Of an element of y, where the next tile waits for its store.
  constexpr double kSharingCost = 1.02;                     // Blocks of a cluster wait for each other.
  const double slabs = static_cast<double>(Ceiling(sizes.inputs * static_cast<int64_t>(SizeOf(sizes.input)), 128));
  const int sums = std::max(tile.rows, 64) * tile.outputs;
  const double load = (tile.rows + tile.outputs) * 128 * kCyclesPerByte;
  const double multiply = std::max(sums * kCyclesPerSum[tile.rows > 64] + load * kNotHidden, kLeastCycles);
  const double store = tile.rows > 128 ? kStoreCycles * sums : 0;
  const int64_t tiles = sizes.groups * Ceiling(sizes.rows, tile.rows) * Ceiling(sizes.outputs, tile.outputs);
  const double waves = static_cast<double>(tiles) / (multiprocessors / tile.cluster * tile.cluster);
  const double products = std::max(std::ceil(waves) * multiply, std::max(waves, 1.0) * load) * slabs;
  return (products + std::ceil(waves) * (kTileCycles + store)) * (tile.cluster > 1 ? kSharingCost : 1);
}

GemmTile ChooseGemmTile(const GemmSizes& sizes, int multiprocessors) {
  GemmTile best;
  double least = 0;
  for (const GemmTile& tile : GemmTiles(sizes.input, sizes.output)) {
    if (!GemmTileSuits(tile, sizes.outputs)) continue;
    const double cost = GemmTileCost(tile, sizes, multiprocessors);
    if (best.rows == 0 || cost < least) {
      best = tile;
      least = cost;
    }
  }
  return best;
}

}  // namespace baleen::cuda
