#include <algorithm>
#include <cmath>
#include <cstdint>

#include "base/dtype.h"
#include "kernels/cpu/linear/panel.h"

namespace baleen::linear {
namespace {

// Calls step(panel base, row, accumulators) for each panel and row, and stores the 16 accumulators.
template <typename Walk>
void ForEachTile(const PanelRun& run, const Walk& walk) {
  for (int64_t panel = 0; panel < run.panel_count; ++panel) {
    const char* base = static_cast<const char*>(run.panels) + panel * run.panel_bytes;
    const int64_t column = panel * kPanelOutputs;
    const int64_t width = std::min<int64_t>(kPanelOutputs, run.outputs - column);
    for (int64_t row = 0; row < run.m; ++row) {
      float acc[kPanelOutputs] = {};
      walk(base, static_cast<const float*>(run.x) + row * run.ldx, acc);
      std::copy_n(acc, width, run.y + row * run.ldy + column);
    }
  }
}

void RunF32(const PanelRun& run) {
  ForEachTile(run, [&](const char* base, const float* x, float* acc) {
    const float* w = reinterpret_cast<const float*>(base);
    for (int64_t k = 0; k < run.steps; ++k) {
      for (int o = 0; o < kPanelOutputs; ++o) acc[o] = std::fma(x[k], w[k * kPanelOutputs + o], acc[o]);
    }
  });
}

// A product of two BF16 is exact in F32, so multiply and add round as fma does.
void RunBf16(const PanelRun& run) {
  ForEachTile(run, [&](const char* base, const float* x, float* acc) {
    const Bf16* w = reinterpret_cast<const Bf16*>(base);
    for (int64_t j = 0; j < run.steps; ++j, w += 2 * kPanelOutputs) {
      for (int o = 0; o < kPanelOutputs; ++o) {
        acc[o] += x[2 * j + 1] * Bf16ToF32(w[2 * o + 1]);
        acc[o] += x[2 * j] * Bf16ToF32(w[2 * o]);
      }
    }
  });
}

void Round(const float* x, int64_t k, void* out, int64_t ld) {
  float* row = static_cast<float*>(out);
  for (int64_t i = 0; i < k; ++i) row[i] = Bf16ToF32(F32ToBf16(x[i]));
  std::fill(row + k, row + ld, 0.0f);
}

}  // namespace

PanelKernel ReferenceF32() { return {Inputs::kF32, 1, RunF32, nullptr}; }
PanelKernel ReferenceBf16() { return {Inputs::kBf16InF32, 1, RunBf16, Round}; }

}  // namespace baleen::linear
