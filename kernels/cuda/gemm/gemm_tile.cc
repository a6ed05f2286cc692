#include "kernels/cuda/gemm/gemm_tile.h"

#include <algorithm>
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
  constexpr Shape kFp8[] = {{16, 128}, {64, 16}, {64, 32}, {64, 64}, {64, 128}, {128, 64}, {128, 128}, {192, 128}, {256, 128}};
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

// Cycles of a multiprocessor, waves of tiles one after the other. The constants are fitted to the times of all tiles on DeepSeek-V3's
// shapes, measured on an H200 (kernel_bench --tiles).
double GemmTileCost(const GemmTile& tile, const GemmSizes& sizes, int multiprocessors) {
  constexpr double kCyclesPerByte = 1 / 57.0;  // Into a multiprocessor.
  constexpr double kCyclesPerSum = 1.43 / 32;  // Of a slab: 128 bytes of K by the tensor cores, and scaling.
  constexpr double kLeastCycles = 115;         // Of a slab's way from arrival to sums.
  constexpr double kTileCycles = 1000;         // A tile's begin.
  constexpr double kStoreCycles = 0.08;        // Of an element of y.
  constexpr double kSharingCost = 1.02;        // Blocks of a cluster wait for each other.
  const double slabs = static_cast<double>(Ceiling(sizes.inputs * static_cast<int64_t>(SizeOf(sizes.input)), 128));
  const double load = (tile.rows + tile.outputs) * 128 * kCyclesPerByte;
  const double multiply = std::max(tile.rows, 64) * tile.outputs * kCyclesPerSum;
  const int64_t tiles = sizes.groups * Ceiling(sizes.rows, tile.rows) * Ceiling(sizes.outputs, tile.outputs);
  const int64_t at_once = multiprocessors / tile.cluster * tile.cluster;
  const double one = slabs * std::max({load, multiply, kLeastCycles}) + kTileCycles + kStoreCycles * tile.rows * tile.outputs;
  return static_cast<double>(Ceiling(tiles, at_once)) * one * (tile.cluster > 1 ? kSharingCost : 1);
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
