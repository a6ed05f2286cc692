// The register tile that the AVX2 kernels share: up to R rows by one panel of two vectors.
// Only for files compiled for AVX2; `Math` must be of internal linkage, so that every instance is.
#ifndef BALEEN_KERNELS_CPU_LINEAR_AVX2_TILE_H_
#define BALEEN_KERNELS_CPU_LINEAR_AVX2_TILE_H_

#include <immintrin.h>

#include "kernels/cpu/linear/panel.h"

namespace baleen::linear::avx2 {

// Lanes [0, count) on.
__attribute__((always_inline)) inline __m256i FirstLanes(int64_t count) {
  const int bounded = count < 0 ? 0 : count > 8 ? 8 : static_cast<int>(count);
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(bounded), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

// Math: `kPerStep` (inputs a step) and Step<R>(w at this step, x at this step, ldx, acc).
template <class Math, int R>
__attribute__((noinline)) void Tile(const PanelRun& run, int64_t panel, int64_t row) {
  float* y = run.y + row * run.ldy + panel * kPanelOutputs;
  const int64_t columns = run.outputs - panel * kPanelOutputs;
  const __m256i low = FirstLanes(columns);
  const __m256i high = FirstLanes(columns - 8);
  __m256 acc[R][2];
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) {
    acc[r][0] = run.accumulate ? _mm256_maskload_ps(y + r * run.ldy, low) : _mm256_setzero_ps();
    acc[r][1] = run.accumulate ? _mm256_maskload_ps(y + r * run.ldy + 8, high) : _mm256_setzero_ps();
  }
  const char* w = static_cast<const char*>(run.panels) + panel * run.panel_bytes;
  const float* x = static_cast<const float*>(run.x) + row * run.ldx;
  for (int64_t step = 0; step < run.steps; ++step) {
    Math::template Step<R>(w, x, run.ldx, acc);
    w += 64;
    x += Math::kPerStep;
  }
#pragma GCC unroll 8
  for (int r = 0; r < R; ++r) {
    _mm256_maskstore_ps(y + r * run.ldy, low, acc[r][0]);
    _mm256_maskstore_ps(y + r * run.ldy + 8, high, acc[r][1]);
  }
}

template <class Math, int R>
void Run(const PanelRun& run) {
  for (int64_t panel = 0; panel < run.panel_count; ++panel) {
    int64_t row = 0;
    for (; row + R <= run.m; row += R) Tile<Math, R>(run, panel, row);
    for (; row + 2 <= run.m; row += 2) Tile<Math, 2>(run, panel, row);
    if (row < run.m) Tile<Math, 1>(run, panel, row);
  }
}

}  // namespace baleen::linear::avx2

#endif  // BALEEN_KERNELS_CPU_LINEAR_AVX2_TILE_H_
