// Which part of y a block of the GEMM kernel computes at a time, and which of the parts that there are suits a product.
#ifndef BALEEN_KERNELS_CUDA_GEMM_GEMM_TILE_H_
#define BALEEN_KERNELS_CUDA_GEMM_GEMM_TILE_H_

#include <cstdint>
#include <span>

#include "base/dtype.h"

namespace baleen::cuda {

// `cluster` blocks with tiles beside each other read the same rows of x; each fetches a part of them for all.
struct GemmTile {
  int rows = 0;
  int outputs = 0;
  int cluster = 1;

  friend bool operator==(const GemmTile&, const GemmTile&) = default;
};

// All tiles that the kernel is built for.
std::span<const GemmTile> GemmTiles(DType input, DType output);

// A product as far as speed is concerned.
struct GemmSizes {
  DType input = DType::kBf16;
  DType output = DType::kBf16;
  int64_t groups = 1;
  int64_t rows = 0;  // Of a group.
  int64_t outputs = 0;
  int64_t inputs = 0;
};

// Whether the tile's cluster divides the tiles beside each other.
bool GemmTileSuits(const GemmTile& tile, int64_t outputs);

// An estimate of the time, in units for comparison alone.
double GemmTileCost(const GemmTile& tile, const GemmSizes& sizes, int multiprocessors);

// The tile that suits and costs least. Every tile gives the same bits.
GemmTile ChooseGemmTile(const GemmSizes& sizes, int multiprocessors);

}  // namespace baleen::cuda

#endif  // BALEEN_KERNELS_CUDA_GEMM_GEMM_TILE_H_
