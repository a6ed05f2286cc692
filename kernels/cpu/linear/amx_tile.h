// The matrix registers as the AMX kernels use them: up to 32 rows by two panels.
// Only for files compiled for AMX.
#ifndef BALEEN_KERNELS_CPU_LINEAR_AMX_TILE_H_
#define BALEEN_KERNELS_CPU_LINEAR_AMX_TILE_H_

#include <immintrin.h>

#include "kernels/cpu/linear/panel.h"

namespace baleen::linear::amx {

// A matrix register holds 16 rows of 64 bytes. Of a panel it takes 16 steps, of the inputs 16 rows by 64 bytes.
constexpr int kTileRows = 16;
constexpr int kTileSteps = 16;
constexpr int64_t kTileBytes = 1024;
constexpr int64_t kLine = 64;

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
    struct alignas(64) {
      uint8_t palette = 1;
      uint8_t start_row = 0;
      uint8_t reserved[14] = {};
      uint16_t row_bytes[16] = {};
      uint8_t rows[16] = {};
    } config;
    config.rows[0] = config.rows[1] = config.rows[4] = static_cast<uint8_t>(first);
    config.rows[2] = config.rows[3] = config.rows[5] = static_cast<uint8_t>(second);
    config.rows[6] = config.rows[7] = kTileSteps;
    for (int tile = 0; tile < 8; ++tile) config.row_bytes[tile] = config.rows[tile] == 0 ? 0 : kLine;
    _tile_loadconfig(&config);
  }

 private:
  int64_t first_ = -1;
  int64_t second_ = -1;
};

// GCC's tile loads do not say that they read memory: what was written before must be there.
__attribute__((always_inline)) inline void WritesBeforeLoads() { __asm__ volatile("" ::: "memory"); }

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
