#include "kernels/cpu/linear/amx_tile.h"

namespace baleen::linear {
namespace {

using amx::kRunRows;
using amx::kTileBytes;
using amx::kTileRows;
using amx::kTileSteps;

constexpr int64_t kBlockTiles = kBlockInputs / 4 / kTileSteps;
constexpr int64_t kBlockBytes = amx::kLine + kBlockTiles * kTileBytes;  // Scales, then codes.

// Both buffers are 4 KiB and stay in the first-level cache.
struct Sums {
  alignas(64) float total[kRunRows][2 * kPanelOutputs];
  alignas(64) int32_t dots[kRunRows][2 * kPanelOutputs];
};

struct Block {
  const char* w[2] = {};  // The panels' scales at this block.
  int64_t tiles = 0;
  const char* x = nullptr;  // Codes of the first row.
  int64_t ldx = 0;
  const char* scales = nullptr;  // Of the first row; the offset lies `blocks` words behind.
  int64_t blocks = 0;
  int64_t rows = 0;
  amx::Ahead ahead;
};

// sums->dots = codes of the rows times codes of the panels.
template <bool kSecondRows, bool kSecondPanel>
__attribute__((noinline)) void Multiply(const Block& block, Sums* sums) {
  constexpr int64_t kStride = 2 * kPanelOutputs * sizeof(int32_t);
  _tile_zero(0);
  if constexpr (kSecondPanel) _tile_zero(1);
  if constexpr (kSecondRows) _tile_zero(2);
  if constexpr (kSecondRows && kSecondPanel) _tile_zero(3);
  for (int64_t tile = 0; tile < block.tiles; ++tile) {
    const char* x = block.x + tile * amx::kLine;
    _tile_loadd(6, block.w[0] + amx::kLine + tile * kTileBytes, amx::kLine);
    _tile_loadd(4, x, block.ldx);
    _tile_dpbsud(0, 4, 6);
    if constexpr (kSecondRows) {
      _tile_loadd(5, x + kTileRows * block.ldx, block.ldx);
      _tile_dpbsud(2, 5, 6);
    }
    if constexpr (kSecondPanel) {
      _tile_loadd(7, block.w[1] + amx::kLine + tile * kTileBytes, amx::kLine);
      _tile_dpbsud(1, 4, 7);
      if constexpr (kSecondRows) _tile_dpbsud(3, 5, 7);
    }
    block.ahead.Step(tile);
  }
  _tile_stored(0, sums->dots[0], kStride);
  if constexpr (kSecondPanel) _tile_stored(1, sums->dots[0] + kPanelOutputs, kStride);
  if constexpr (kSecondRows) _tile_stored(2, sums->dots[kTileRows], kStride);
  if constexpr (kSecondRows && kSecondPanel) _tile_stored(3, sums->dots[kTileRows] + kPanelOutputs, kStride);
}

void Multiply(const Block& block, bool second_rows, bool second_panel, Sums* sums) {
  if (second_rows) {
    second_panel ? Multiply<true, true>(block, sums) : Multiply<true, false>(block, sums);
  } else {
    second_panel ? Multiply<false, true>(block, sums) : Multiply<false, false>(block, sums);
  }
}

template <typename T>
__attribute__((always_inline)) inline T Load(const char* from) {
  T value;
  __builtin_memcpy(&value, from, sizeof(value));
  return value;
}

// sums->total += dots brought to scale.
template <int kPanels>
__attribute__((noinline)) void Scale(const Block& block, Sums* sums) {
  __m512 w_scales[kPanels];
#pragma GCC unroll 2
  for (int p = 0; p < kPanels; ++p) w_scales[p] = _mm512_load_ps(block.w[p]);
  for (int64_t row = 0; row < block.rows; ++row) {
    const char* const scales = block.scales + row * block.ldx;
    const __m512 x_scale = _mm512_set1_ps(Load<float>(scales));
    const __m512i offset = _mm512_set1_epi32(Load<int>(scales + block.blocks * 4));
#pragma GCC unroll 2
    for (int p = 0; p < kPanels; ++p) {
      float* const total = sums->total[row] + p * kPanelOutputs;
      const __m512i dots = _mm512_add_epi32(_mm512_load_si512(sums->dots[row] + p * kPanelOutputs), offset);
      const __m512 scaled = _mm512_mul_ps(_mm512_cvtepi32_ps(dots), w_scales[p]);
      _mm512_store_ps(total, _mm512_fmadd_ps(x_scale, scaled, _mm512_load_ps(total)));
    }
  }
}

void Clear(int64_t rows, Sums* sums) {
  for (int64_t row = 0; row < rows; ++row) {
    for (int p = 0; p < 2; ++p) _mm512_store_ps(sums->total[row] + p * kPanelOutputs, _mm512_setzero_ps());
  }
}

void Store(const Sums& sums, int64_t rows, int64_t columns, float* y, int64_t ldy) {
  for (int64_t row = 0; row < rows; ++row) {
    for (int64_t first = 0; first < columns; first += kPanelOutputs) {
      const int64_t lanes = amx::Min(kPanelOutputs, columns - first);
      _mm512_mask_storeu_ps(y + row * ldy + first, static_cast<__mmask16>((1u << lanes) - 1), _mm512_load_ps(sums.total[row] + first));
    }
  }
}

void Run(const PanelRun& run) {
  const int64_t tiles = (run.steps + kTileSteps - 1) / kTileSteps;
  const int64_t blocks = (tiles + kBlockTiles - 1) / kBlockTiles;
  Sums sums;
  amx::RowTiles row_tiles;
  for (int64_t panel = 0; panel < run.panel_count; panel += 2) {
    const bool second_panel = panel + 1 < run.panel_count;
    const char* const panels = static_cast<const char*>(run.panels) + panel * run.panel_bytes;
    const int64_t columns = amx::Min(run.outputs - panel * kPanelOutputs, 2 * kPanelOutputs);
    amx::ForEachRowBlock(run.m, row_tiles, [&](int64_t row, int64_t first, int64_t second) {
      const char* const x = static_cast<const char*>(run.x) + row * run.ldx;
      Block block;
      block.ldx = run.ldx;
      block.blocks = blocks;
      block.rows = first + second;
      // Later rows find the panels in the second-level cache.
      block.ahead.lines = row == 0 ? kTileRows : 0;
      Clear(block.rows, &sums);
      for (int64_t b = 0; b < blocks; ++b) {
        block.w[0] = panels + b * kBlockBytes;
        block.w[1] = block.w[0] + run.panel_bytes;
        block.tiles = amx::Min(kBlockTiles, tiles - b * kBlockTiles);
        block.x = x + b * kBlockInputs;
        block.scales = x + blocks * kBlockInputs + b * 4;
        block.ahead.first = block.w[0] + 2 * kBlockBytes;
        block.ahead.second = block.w[1] + 2 * kBlockBytes;
        Multiply(block, second > 0, second_panel, &sums);
        second_panel ? Scale<2>(block, &sums) : Scale<1>(block, &sums);
      }
      Store(sums, block.rows, columns, run.y + row * run.ldy + panel * kPanelOutputs, run.ldy);
    });
  }
  _tile_release();
}

}  // namespace

PanelKernel AmxInt8() {
  PanelKernel kernel = Avx512Int8();
  kernel.panels_at_once = 8;
  kernel.run = Run;
  return kernel;
}

}  // namespace baleen::linear
