// The register tile that the AVX-512 kernels share: up to 8 rows by 3 panels, or 2 rows by 6 panels where latency rules.
// Only for files compiled for AVX-512; `Math` must be of internal linkage, so that every instance is.
#ifndef BALEEN_KERNELS_CPU_LINEAR_AVX512_TILE_H_
#define BALEEN_KERNELS_CPU_LINEAR_AVX512_TILE_H_

#include <immintrin.h>

#include "kernels/cpu/linear/panel.h"

namespace baleen::linear::avx512 {

// 24 of 32 registers accumulate: 2 fma ports of latency 4 want 8, and a weight read once serves 8 rows.
constexpr int kTileRows = 8;
constexpr int kTilePanels = 3;
// Rows too few to fill the tile take twice the panels, to keep enough sums in flight.
constexpr int kThinRows = 2;
constexpr int kThinPanels = 6;
// Thin tiles wait for memory: the lines of 8 steps ahead are asked for, since hardware runs no 6 streams that far in front of loads.
constexpr int kAhead = 512;

__attribute__((always_inline)) inline __mmask16 FirstLanes(int64_t count) {
  return count >= kPanelOutputs ? 0xffff : static_cast<__mmask16>((1u << count) - 1);
}

// Math: `Input` (element of x), `kPerStep` (inputs a step), and
// Step<R, P>(const char* const w[P] at this step, x at this step, ldx, acc).
template <class Math, int R, int P>
__attribute__((noinline)) void Tile(const PanelRun& run, int64_t panel, int64_t row) {
  float* y = run.y + row * run.ldy + panel * kPanelOutputs;
  __mmask16 masks[P];
#pragma GCC unroll 8
  for (int p = 0; p < P; ++p) masks[p] = FirstLanes(run.outputs - (panel + p) * kPanelOutputs);
  __m512 acc[R][P];
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) {
#pragma GCC unroll 8
    for (int p = 0; p < P; ++p) {
      acc[r][p] = run.accumulate ? _mm512_maskz_loadu_ps(masks[p], y + r * run.ldy + p * kPanelOutputs) : _mm512_setzero_ps();
    }
  }
  const char* w = static_cast<const char*>(run.panels) + panel * run.panel_bytes;
  const auto* x = static_cast<const typename Math::Input*>(run.x) + row * run.ldx;
  for (int64_t step = 0; step < run.steps; ++step) {
    if constexpr (R <= kThinRows) {
#pragma GCC unroll 8
      for (int p = 0; p < P; ++p) _mm_prefetch(w + p * run.panel_bytes + kAhead, _MM_HINT_T0);
    }
    Math::template Step<R, P>(w, run.panel_bytes, x, run.ldx, acc);
    w += 64;
    x += Math::kPerStep;
  }
#pragma GCC unroll 8
  for (int p = 0; p < P; ++p) {
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) _mm512_mask_storeu_ps(y + r * run.ldy + p * kPanelOutputs, masks[p], acc[r][p]);
  }
}

template <class Math>
struct FloatTile {
  template <int R, int P>
  static void Run(const PanelRun& run, int64_t panel, int64_t row) {
    Tile<Math, R, P>(run, panel, row);
  }
};

template <class Tiles, int R>
void Row(const PanelRun& run, int64_t panel, int64_t row, int64_t panels) {
  if constexpr (R <= kThinRows) {
    if (panels == 6) return Tiles::template Run<R, 6>(run, panel, row);
    if (panels == 5) return Tiles::template Run<R, 5>(run, panel, row);
    if (panels == 4) return Tiles::template Run<R, 4>(run, panel, row);
  }
  if (panels == 3) return Tiles::template Run<R, 3>(run, panel, row);
  if (panels == 2) return Tiles::template Run<R, 2>(run, panel, row);
  return Tiles::template Run<R, 1>(run, panel, row);
}

// Covers the run with tiles; `Tiles` has Run<R, P>(run, panel, row).
template <class Tiles>
void RunTiles(const PanelRun& run) {
  const int64_t wide = run.m <= kThinRows ? kThinPanels : kTilePanels;
  for (int64_t panel = 0; panel < run.panel_count; panel += wide) {
    const int64_t panels = run.panel_count - panel < wide ? run.panel_count - panel : wide;
    int64_t row = 0;
    for (; row + kTileRows <= run.m; row += kTileRows) Row<Tiles, kTileRows>(run, panel, row, panels);
    if (run.m - row >= 4) {
      Row<Tiles, 4>(run, panel, row, panels);
      row += 4;
    }
    // At most 3 rows are left; where there were more, `panels` is within the narrow tile.
    if (run.m - row == 3) Row<Tiles, 3>(run, panel, row, panels);
    if (run.m - row == 2) Row<Tiles, 2>(run, panel, row, panels);
    if (run.m - row == 1) Row<Tiles, 1>(run, panel, row, panels);
  }
}

template <class Math>
void Run(const PanelRun& run) {
  RunTiles<FloatTile<Math>>(run);
}

}  // namespace baleen::linear::avx512

#endif  // BALEEN_KERNELS_CPU_LINEAR_AVX512_TILE_H_
