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

// Input channels that share a scale: a block of K.
constexpr int kBlockInputs = 128;
// INT8: a block whose greatest magnitude is below this counts as zeros, so that no reciprocal overflows.
constexpr float kLeastInt8Magnitude = 1e-30f;

// A panel holds 16 output channels, zero-padded.
// F32: [K][16] floats. BF16: [ceil(K / 2)][16][2] raw BF16, zero steps behind up to a multiple of 16.
// FP8: [ceil(K / 2)][16][2] E4M3 codes.
// INT8: for each block of K [16] float scales, then [ceil(block / 4)][16][4] bytes of code + 128 (vpdpbusd wants one side unsigned),
// zero steps behind as in BF16.
struct PanelRun {
  const void* panels = nullptr;  // Panels lie one after the other, 64-byte aligned.
  int64_t panel_bytes = 0;
  int64_t panel_count = 0;
  int64_t steps = 0;        // F32: K. BF16 and FP8: ceil(K / 2). INT8: ceil(K / 4).
  const void* x = nullptr;  // [m] rows as the kernel's `inputs` says.
  int64_t ldx = 0;
  int64_t m = 0;
  float* y = nullptr;  // [m, outputs], its first column belonging to the first panel; overwritten.
  int64_t ldy = 0;
  int64_t outputs = 0;      // In (16 (panel_count - 1), 16 panel_count].
  bool accumulate = false;  // F32 and BF16: go on from y's values instead of zeros.
  // FP8: what the codes 0 .. 127 mean in BF16, [ceil(N / 128)][ceil(K / 128)][128], and the first panel's place, counted from a 128-row
  // boundary.
  const uint16_t* tables = nullptr;
  int64_t panel = 0;
};

// How a row of x lies in memory; ldx counts elements of it.
// kBf16: [K] raw BF16, zero-padded to even K. kBf16InF32: the same values as floats.
// kInt8 (bytes): [ceil(K / 128)][128] codes, zeros behind K; [ceil(K / 128)] float scales; [ceil(K / 128)] int32 of -128 times the block's
// sum of codes, which takes back the weights' + 128.
enum class Inputs { kF32, kBf16, kBf16InF32, kInt8 };

__attribute__((always_inline)) constexpr int64_t BlocksOf(int64_t inputs) { return (inputs + kBlockInputs - 1) / kBlockInputs; }
// Matrix registers take 16 steps at a time.
__attribute__((always_inline)) constexpr int64_t PaddedSteps(int64_t steps) { return (steps + 15) / 16 * 16; }
__attribute__((always_inline)) constexpr int64_t Int8RowBytes(int64_t inputs) { return BlocksOf(inputs) * (kBlockInputs + 4 + 4); }

struct PanelKernel {
  Inputs inputs = Inputs::kF32;
  int panels_at_once = 1;  // What a run should hold for the register tile to be full.
  void (*run)(const PanelRun&) = nullptr;
  // Unless inputs is kF32: writes x [k], rounded, to out [ld] in the form of `inputs`, zeros behind; ld is a multiple of 64 bytes.
  void (*round)(const float* x, int64_t k, void* out, int64_t ld) = nullptr;
};

// F32: acc = fma(x[k], w[k], acc), k ascending.
// BF16: acc = fma(x[2j], w[2j], fma(x[2j + 1], w[2j + 1], acc)), j ascending: the order inside vdpbf16ps, which besides takes
// subnormals as zeros; so do the AVX kernels, not the reference.
// BF16 by AMX (tdpbf16ps), for each 32 inputs, ascending: from zeros even = fma(x[2j], w[2j], even), odd = fma(x[2j + 1], w[2j + 1], odd),
// j ascending, then acc += even + odd; subnormals are zeros. FP8: a code decodes to bf16(value * scale), in registers or in a
// first-level-cache tile; then as BF16. INT8: per block, ascending: acc = fma(x_scale, float(dot) * w_scale, acc), where the integer dot of
// 128 products is exact, in F32 too.
PanelKernel ReferenceF32();
PanelKernel ReferenceBf16();
PanelKernel ReferenceFp8();
PanelKernel ReferenceInt8();
PanelKernel Avx2F32();
PanelKernel Avx2Bf16();
PanelKernel Avx2Fp8();
PanelKernel Avx2Int8();
PanelKernel Avx512F32();
PanelKernel Avx512Bf16Dot();  // vdpbf16ps, which not every AVX-512 CPU has: twice the rate of fma on Zen.
PanelKernel Avx512Bf16Fma();  // Widens weights and uses fma, at the same bits: twice the rate of vdpbf16ps on Xeons.
PanelKernel Avx512Fp8Dot();   // As Avx512Bf16Dot.
PanelKernel Avx512Fp8Fma();
PanelKernel Avx512Int8();  // vpdpbusd: needs VNNI.
PanelKernel AmxBf16();
PanelKernel AmxFp8();
PanelKernel AmxInt8();

}  // namespace baleen::linear

#endif  // BALEEN_KERNELS_CPU_LINEAR_PANEL_H_
