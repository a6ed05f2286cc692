#include "kernels/cpu/linear/amx_tile.h"

namespace baleen::linear {
namespace {

using amx::kRunRows;
using amx::kTileBytes;
using amx::kTileRows;
using amx::kTileSteps;

// Tiles of K that one pass takes: two panels of it are 32 KiB, which stay in the first-level cache (48 KiB) while all rows of the run
// pass by, 32 KiB from the second level for each 32 rows: one line a cycle at most, beside four products of 16 cycles.
constexpr int64_t kPassTiles = 16;

struct Pass {
  const char* w[2] = {};  // The two panels at this pass; the second may be missing.
  int64_t tiles = 0;
  const uint16_t* x = nullptr;
  int64_t ldx = 0;
  float* y = nullptr;
  int64_t ldy = 0;
  bool go_on = false;  // From y's values instead of zeros.
  amx::Ahead ahead;
};

// One block of rows by one or two panels over the pass's part of K.
template <bool kSecondRows, bool kSecondPanel>
__attribute__((noinline)) void Multiply(const Pass& pass) {
  const int64_t y_stride = pass.ldy * static_cast<int64_t>(sizeof(float));
  const int64_t x_stride = pass.ldx * static_cast<int64_t>(sizeof(uint16_t));
  float* const lower = pass.y + kTileRows * pass.ldy;
  amx::WritesBeforeLoads();
  if (pass.go_on) {
    _tile_loadd(0, pass.y, y_stride);
    if constexpr (kSecondPanel) _tile_loadd(1, pass.y + kPanelOutputs, y_stride);
    if constexpr (kSecondRows) _tile_loadd(2, lower, y_stride);
    if constexpr (kSecondRows && kSecondPanel) _tile_loadd(3, lower + kPanelOutputs, y_stride);
  } else {
    _tile_zero(0);
    if constexpr (kSecondPanel) _tile_zero(1);
    if constexpr (kSecondRows) _tile_zero(2);
    if constexpr (kSecondRows && kSecondPanel) _tile_zero(3);
  }
  for (int64_t tile = 0; tile < pass.tiles; ++tile) {
    const uint16_t* x = pass.x + tile * 2 * kTileSteps;
    _tile_loadd(6, pass.w[0] + tile * kTileBytes, amx::kLine);
    _tile_loadd(4, x, x_stride);
    _tile_dpbf16ps(0, 4, 6);
    if constexpr (kSecondRows) {
      _tile_loadd(5, x + kTileRows * pass.ldx, x_stride);
      _tile_dpbf16ps(2, 5, 6);
    }
    if constexpr (kSecondPanel) {
      _tile_loadd(7, pass.w[1] + tile * kTileBytes, amx::kLine);
      _tile_dpbf16ps(1, 4, 7);
      if constexpr (kSecondRows) _tile_dpbf16ps(3, 5, 7);
    }
    pass.ahead.Step(tile);
  }
  _tile_stored(0, pass.y, y_stride);
  if constexpr (kSecondPanel) _tile_stored(1, pass.y + kPanelOutputs, y_stride);
  if constexpr (kSecondRows) _tile_stored(2, lower, y_stride);
  if constexpr (kSecondRows && kSecondPanel) _tile_stored(3, lower + kPanelOutputs, y_stride);
}

void Multiply(const Pass& pass, bool second_rows, bool second_panel) {
  if (second_rows) {
    second_panel ? Multiply<true, true>(pass) : Multiply<true, false>(pass);
  } else {
    second_panel ? Multiply<false, true>(pass) : Multiply<false, false>(pass);
  }
}

// y [rows, columns], where the registers would write past the last column: by way of a buffer.
void MultiplyNarrow(Pass pass, int64_t rows, int64_t columns, bool second_rows, bool second_panel) {
  alignas(64) float buffer[kRunRows][2 * kPanelOutputs];
  float* const y = pass.y;
  const int64_t ldy = pass.ldy;
  for (int64_t r = 0; pass.go_on && r < rows; ++r) {
    for (int64_t c = 0; c < columns; ++c) buffer[r][c] = y[r * ldy + c];
    for (int64_t c = columns; c < 2 * kPanelOutputs; ++c) buffer[r][c] = 0;
  }
  pass.y = buffer[0];
  pass.ldy = 2 * kPanelOutputs;
  Multiply(pass, second_rows, second_panel);
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t c = 0; c < columns; ++c) y[r * ldy + c] = buffer[r][c];
  }
}

// Weights after those of the pass at `tile`: the next tiles of the same panels, or the first of the next two.
amx::Ahead NextWeights(const PanelRun& run, const char* panels, int64_t next_tile, int64_t tiles) {
  const char* const first = next_tile < tiles ? panels + next_tile * kTileBytes : panels + 2 * run.panel_bytes;
  return {.first = first, .second = first + run.panel_bytes};
}

void Run(const PanelRun& run) {
  const int64_t tiles = (run.steps + kTileSteps - 1) / kTileSteps;
  const int64_t row_blocks = (run.m + kRunRows - 1) / kRunRows;
  amx::RowTiles row_tiles;
  for (int64_t panel = 0; panel < run.panel_count; panel += 2) {
    const bool second_panel = panel + 1 < run.panel_count;
    const char* const panels = static_cast<const char*>(run.panels) + panel * run.panel_bytes;
    const int64_t columns = run.outputs - panel * kPanelOutputs;
    const bool narrow = columns < (second_panel ? 2 : 1) * kPanelOutputs;
    for (int64_t tile = 0; tile < tiles; tile += kPassTiles) {
      Pass pass;
      pass.tiles = amx::Min(kPassTiles, tiles - tile);
      pass.w[0] = panels + tile * kTileBytes;
      pass.w[1] = pass.w[0] + run.panel_bytes;
      pass.ldx = run.ldx;
      pass.ldy = run.ldy;
      pass.go_on = run.accumulate || tile > 0;
      pass.ahead = NextWeights(run, panels, tile + kPassTiles, tiles);
      pass.ahead.lines = (kTileRows + row_blocks - 1) / row_blocks;
      amx::ForEachRowBlock(run.m, row_tiles, [&](int64_t row, int64_t first, int64_t second) {
        pass.x = static_cast<const uint16_t*>(run.x) + row * run.ldx + tile * 2 * kTileSteps;
        pass.y = run.y + row * run.ldy + panel * kPanelOutputs;
        pass.ahead.line = row / kRunRows * pass.ahead.lines;
        if (narrow) {
          MultiplyNarrow(pass, first + second, columns, second > 0, second_panel);
        } else {
          Multiply(pass, second > 0, second_panel);
        }
      });
    }
  }
  _tile_release();
}

}  // namespace

PanelKernel AmxBf16() {
  PanelKernel kernel = Avx512Bf16Dot();
  kernel.panels_at_once = 8;
  kernel.run = Run;
  return kernel;
}

}  // namespace baleen::linear
