// The contract between PackedLinear and its kernels, one for each instruction set and compute type.
//
// The files behind it are compiled for their instruction set as a whole, so they call no inline function of another header: the
// linker might keep their copy of it for everybody.
#ifndef BALEEN_KERNELS_CPU_LINEAR_PANEL_H_
#define BALEEN_KERNELS_CPU_LINEAR_PANEL_H_

#include <cstdint>

namespace baleen::linear {

// Output channels of a panel: one 512-bit vector.
constexpr int kPanelOutputs = 16;

// A panel holds 16 output channels, zero-padded. F32: [K][16] floats. BF16: [ceil(K / 2)][16][2] raw BF16.
struct PanelRun {
  const void* panels = nullptr;  // Panels lie one after the other, 64-byte aligned.
  int64_t panel_bytes = 0;
  int64_t panel_count = 0;
  int64_t steps = 0;        // F32: K. BF16: ceil(K / 2).
  const void* x = nullptr;  // [m, K], F32, BF16 or BF16 values in F32 as the kernel's `inputs` says; BF16 zero-padded to even K.
  int64_t ldx = 0;
  int64_t m = 0;
  float* y = nullptr;  // [m, outputs], its first column belonging to the first panel; overwritten.
  int64_t ldy = 0;
  int64_t outputs = 0;  // In (16 (panel_count - 1), 16 panel_count].
};

enum class Inputs { kF32, kBf16, kBf16InF32 };

struct PanelKernel {
  Inputs inputs = Inputs::kF32;
  int panels_at_once = 1;  // What a run should hold for the register tile to be full.
  void (*run)(const PanelRun&) = nullptr;
  // Unless inputs is kF32: writes x [k], rounded to BF16, to out [ld] in the form of `inputs`, zeros behind; ld is a multiple of 64 bytes.
  void (*round)(const float* x, int64_t k, void* out, int64_t ld) = nullptr;
};

// F32: acc = fma(x[k], w[k], acc), k ascending.
// BF16: acc = fma(x[2j], w[2j], fma(x[2j + 1], w[2j + 1], acc)), j ascending: the order inside vdpbf16ps, which besides takes
// subnormals as zeros; so do the AVX kernels, not the reference.
PanelKernel ReferenceF32();
PanelKernel ReferenceBf16();
PanelKernel Avx2F32();
PanelKernel Avx2Bf16();
PanelKernel Avx512F32();
PanelKernel Avx512Bf16Dot();  // vdpbf16ps: twice the rate of fma on Zen.
PanelKernel Avx512Bf16Fma();  // Widens weights and uses fma, at the same bits: twice the rate of vdpbf16ps on Xeons.

}  // namespace baleen::linear

#endif  // BALEEN_KERNELS_CPU_LINEAR_PANEL_H_
