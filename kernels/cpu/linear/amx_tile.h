// The matrix registers as the AMX kernels use them: up to 32 rows by two panels.
// Only for files compiled for AMX.
#ifndef BALEEN_KERNELS_CPU_LINEAR_AMX_TILE_H_
#define BALEEN_KERNELS_CPU_LINEAR_AMX_TILE_H_

#include <immintrin.h>

#include "kernels/cpu/linear/panel.h"
#include "kernels/cpu/tile_registers.h"

namespace baleen::linear::amx {

using baleen::amx::kLine;
using baleen::amx::kTileBytes;
using baleen::amx::kTileRows;
using baleen::amx::WritesBeforeLoads;

// Of a panel a register takes 16 steps, of the inputs 16 rows by 64 bytes.
constexpr int kTileSteps = 16;

// Sums in registers 0 .. 3 (row tile by panel), inputs in 4 and 5, weights in 6 and 7: of the eight there are, the split that reads the
// fewest bytes a product.
constexpr int kRunRows = 2 * kTileRows;

// How many rows the two row tiles have now; setting the registers up costs as much as ten products, so it is done on a change alone.
class RowTiles {
 public:
  // 0 leaves the second one out.
  __attribute__((always_inline)) void Set(int64_t first, int64_t second) {
    if (first == first_ && second == second_) return;
    first_ = first;
    second_ = second;
    baleen::amx::TileConfig config;
    // By tile: sums of the first and second row tile, their inputs, weights.
    const int64_t rows[8] = {first, first, second, second, first, second, kTileSteps, kTileSteps};
    for (int tile = 0; tile < 8; ++tile) config.SetRows(tile, rows[tile]);
    config.Load();
  }

 private:
  int64_t first_ = -1;
  int64_t second_ = -1;
};

// Two streams of weights that will be wanted next, asked for while arithmetic runs: `lines` of each tile of 16 lines at every step.
struct Ahead {
  const char* first = nullptr;
  const char* second = nullptr;
  int64_t line = 0;
  int64_t lines = 0;

  __attribute__((always_inline)) void Step(int64_t tile) const {
    for (int64_t i = line; i < line + lines; ++i) {
      _mm_prefetch(first + tile * kTileBytes + i * kLine, _MM_HINT_T1);
      _mm_prefetch(second + tile * kTileBytes + i * kLine, _MM_HINT_T1);
    }
  }
};

__attribute__((always_inline)) inline int64_t Min(int64_t a, int64_t b) { return a < b ? a : b; }

// Calls block(row, rows of the first tile, rows of the second) over the run's rows with the registers set up for it.
template <class Body>
__attribute__((always_inline)) inline void ForEachRowBlock(int64_t m, RowTiles& tiles, const Body& block) {
  for (int64_t row = 0; row < m; row += kRunRows) {
    const int64_t first = Min(kTileRows, m - row);
    const int64_t second = Min(kTileRows, m - row - first);
    tiles.Set(first, second);
    block(row, first, second);
  }
}

}  // namespace baleen::linear::amx

#endif  // BALEEN_KERNELS_CPU_LINEAR_AMX_TILE_H_
