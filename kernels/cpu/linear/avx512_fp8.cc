#include <immintrin.h>

#include "kernels/cpu/linear/fp8_run.h"

namespace baleen::linear {
namespace {

// The 128 magnitudes of a block fill four registers: two permutes look a code's low six bits up in either half, its next bit chooses, its
// sign bit flips. Seven instructions for 32 weights.
void Decode(const char* codes, const uint16_t* table, int64_t steps, char* out) {
  const __m512i t0 = _mm512_loadu_si512(table);
  const __m512i t1 = _mm512_loadu_si512(table + 32);
  const __m512i t2 = _mm512_loadu_si512(table + 64);
  const __m512i t3 = _mm512_loadu_si512(table + 96);
  const __m512i upper = _mm512_set1_epi16(0x40);
  const __m512i sign = _mm512_set1_epi16(static_cast<int16_t>(0x8000));
  for (int64_t step = 0; step < steps; ++step) {
    if (step % 2 == 0) _mm_prefetch(codes + step * kFp8StepBytes + kFp8Ahead, _MM_HINT_T0);
    const __m256i packed = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(codes + step * kFp8StepBytes));
    const __m512i code = _mm512_cvtepu8_epi16(packed);
    const __m512i low = _mm512_permutex2var_epi16(t0, code, t1);
    const __m512i high = _mm512_permutex2var_epi16(t2, code, t3);
    const __m512i magnitude = _mm512_mask_mov_epi16(low, _mm512_test_epi16_mask(code, upper), high);
    const __m512i flipped = _mm512_ternarylogic_epi64(magnitude, _mm512_slli_epi16(code, 8), sign, 0x78);  // a ^ (b & c)
    _mm512_store_si512(out + step * kBf16StepBytes, flipped);
  }
}

}  // namespace

PanelKernel Avx512Fp8Dot() {
  PanelKernel kernel = Avx512Bf16Dot();
  kernel.run = RunFp8<Decode, Avx512Bf16Dot>;
  return kernel;
}

PanelKernel Avx512Fp8Fma() {
  PanelKernel kernel = Avx512Bf16Fma();
  kernel.run = RunFp8<Decode, Avx512Bf16Fma>;
  return kernel;
}

PanelKernel AmxFp8() {
  PanelKernel kernel = AmxBf16();
  kernel.run = RunFp8<Decode, AmxBf16>;
  return kernel;
}

}  // namespace baleen::linear
