#include <algorithm>
#include <cmath>
#include <cstdint>

#include "base/dtype.h"
#include "kernels/cpu/linear/fp8_run.h"
#include "kernels/cpu/linear/int8_round.h"
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
      if (run.accumulate) std::copy_n(run.y + row * run.ldy + column, width, acc);
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

void DecodeFp8(const char* codes, const uint16_t* table, int64_t steps, char* out) {
  for (int64_t i = 0; i < steps * kFp8StepBytes; ++i) {
    const uint8_t code = static_cast<uint8_t>(codes[i]);
    reinterpret_cast<Bf16*>(out)[i] = static_cast<Bf16>(table[code & 0x7f] ^ ((code & 0x80) << 8));
  }
}

// Integer dots of one block, by output.
void AddDots(const uint8_t* weights, const int8_t* x, int64_t steps, int32_t* dots) {
  for (int64_t i = 0; i < steps * 4 * kPanelOutputs; ++i) {
    dots[i / 4 % kPanelOutputs] += (weights[i] - 128) * x[i / (4 * kPanelOutputs) * 4 + i % 4];
  }
}

void RunInt8(const PanelRun& run) {
  constexpr int64_t kBlockSteps = kBlockInputs / 4;
  const int64_t blocks = (run.steps + kBlockSteps - 1) / kBlockSteps;
  for (int64_t panel = 0; panel < run.panel_count; ++panel) {
    const int64_t column = panel * kPanelOutputs;
    const int64_t width = std::min<int64_t>(kPanelOutputs, run.outputs - column);
    for (int64_t row = 0; row < run.m; ++row) {
      const char* w = static_cast<const char*>(run.panels) + panel * run.panel_bytes;
      const char* x = static_cast<const char*>(run.x) + row * run.ldx;
      const float* x_scales = reinterpret_cast<const float*>(x + blocks * kBlockInputs);
      float acc[kPanelOutputs] = {};
      for (int64_t block = 0; block < blocks; ++block) {
        const int64_t steps = std::min(kBlockSteps, run.steps - block * kBlockSteps);
        int32_t dots[kPanelOutputs] = {};
        AddDots(reinterpret_cast<const uint8_t*>(w) + 64, reinterpret_cast<const int8_t*>(x) + block * kBlockInputs, steps, dots);
        const float* w_scales = reinterpret_cast<const float*>(w);
        for (int o = 0; o < kPanelOutputs; ++o) acc[o] = std::fma(x_scales[block], static_cast<float>(dots[o]) * w_scales[o], acc[o]);
        w += (steps + 1) * 64;
      }
      std::copy_n(acc, width, run.y + row * run.ldy + column);
    }
  }
}

void Round(const float* x, int64_t k, void* out, int64_t ld) {
  float* row = static_cast<float*>(out);
  for (int64_t i = 0; i < k; ++i) row[i] = Bf16ToF32(F32ToBf16(x[i]));
  std::fill(row + k, row + ld, 0.0f);
}

}  // namespace

PanelKernel ReferenceF32() { return {Inputs::kF32, 1, RunF32, nullptr}; }
PanelKernel ReferenceBf16() { return {Inputs::kBf16InF32, 1, RunBf16, Round}; }
PanelKernel ReferenceFp8() { return {Inputs::kBf16InF32, 6, RunFp8<DecodeFp8, ReferenceBf16>, Round}; }
PanelKernel ReferenceInt8() { return {Inputs::kInt8, 1, RunInt8, RoundInt8Row}; }

}  // namespace baleen::linear
