// FP8 products on top of a BF16 kernel: a tile of codes is decoded into the first-level cache and used by all rows of the run, so memory
// moves one byte a weight, and the sums are those of BF16 panels to the bit.
#ifndef BALEEN_KERNELS_CPU_LINEAR_FP8_RUN_H_
#define BALEEN_KERNELS_CPU_LINEAR_FP8_RUN_H_

#include <cstddef>

#include "kernels/cpu/linear/panel.h"

namespace baleen::linear {

// Codes of a step (two inputs by 16 outputs), and the same step in BF16.
constexpr int kFp8StepBytes = 2 * kPanelOutputs;
constexpr int kBf16StepBytes = 2 * kFp8StepBytes;
// Codes of the next block, which Decode asks for: hardware does not run ahead in 6 streams that are walked 2 KiB at a time.
constexpr int64_t kFp8Ahead = kBlockInputs / 2 * kFp8StepBytes;

// Decode(codes, table [128], steps, out) writes `steps` BF16 steps; `Bf16` gives the kernel to run on them. Both are of internal linkage or
// compiled once, so that every instance of this is its file's own.
template <auto Decode, auto Bf16>
void RunFp8(const PanelRun& run) {
  // 6 panels of 64 steps: 24 KiB, of which a register tile walks 12, beside 2 to 4 KiB of inputs. One line more than 4 KiB apart: panels
  // must not share cache sets.
  constexpr int kPanels = 6;
  constexpr int kSteps = kBlockInputs / 2;
  constexpr int kTileBytes = kSteps * kBf16StepBytes + 64;
  alignas(64) char tile[kPanels * kTileBytes];
  const PanelKernel inner = Bf16();
  const int64_t input_bytes = inner.inputs == Inputs::kBf16 ? 2 : 4;
  const int64_t blocks = (run.steps + kSteps - 1) / kSteps;
  for (int64_t panel = 0; panel < run.panel_count; panel += kPanels) {
    const char* codes = static_cast<const char*>(run.panels) + panel * run.panel_bytes;
    PanelRun part = run;
    part.panels = tile;
    part.panel_bytes = kTileBytes;
    part.panel_count = run.panel_count - panel < kPanels ? run.panel_count - panel : kPanels;
    part.y = run.y + panel * kPanelOutputs;
    const int64_t outputs = run.outputs - panel * kPanelOutputs;
    part.outputs = outputs < kPanels * kPanelOutputs ? outputs : kPanels * kPanelOutputs;
    for (int64_t block = 0; block < blocks; ++block) {
      const int64_t first = block * kSteps;
      part.steps = run.steps - first < kSteps ? run.steps - first : kSteps;
      for (int64_t p = 0; p < part.panel_count; ++p) {
        const int64_t table = (run.panel + panel + p) * kPanelOutputs / kBlockInputs * blocks + block;
        char* const out = tile + p * kTileBytes;
        Decode(codes + p * run.panel_bytes + first * kFp8StepBytes, run.tables + table * 128, part.steps, out);
        const int64_t padding = PaddedSteps(part.steps) - part.steps;
        __builtin_memset(out + part.steps * kBf16StepBytes, 0, static_cast<size_t>(padding * kBf16StepBytes));
      }
      part.x = static_cast<const char*>(run.x) + 2 * first * input_bytes;
      part.accumulate = block > 0;
      inner.run(part);
    }
  }
}

}  // namespace baleen::linear

#endif  // BALEEN_KERNELS_CPU_LINEAR_FP8_RUN_H_
