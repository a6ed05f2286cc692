// Rounding inputs to BF16, for the AVX-512 kernels only.
#ifndef BALEEN_KERNELS_CPU_LINEAR_AVX512_ROUND_H_
#define BALEEN_KERNELS_CPU_LINEAR_AVX512_ROUND_H_

#include <immintrin.h>

#include <cstdint>

namespace baleen::linear::avx512 {

// Floats x[0, count), zeros behind, rounded to nearest even at 8 significant bits; the BF16 is each lane's upper half.
__attribute__((always_inline)) inline __m512i RoundToBf16(const float* x, int64_t count) {
  const __mmask16 mask = count >= 16 ? 0xffff : count <= 0 ? 0 : static_cast<__mmask16>((1u << count) - 1);
  const __m512 value = _mm512_maskz_loadu_ps(mask, x);
  const __m512i bits = _mm512_castps_si512(value);
  const __m512i odd = _mm512_and_si512(_mm512_srli_epi32(bits, 16), _mm512_set1_epi32(1));
  const __m512i rounded = _mm512_add_epi32(_mm512_add_epi32(bits, _mm512_set1_epi32(0x7fff)), odd);
  const __m512i quiet = _mm512_or_si512(bits, _mm512_set1_epi32(0x400000));
  const __m512i chosen = _mm512_mask_mov_epi32(rounded, _mm512_cmp_ps_mask(value, value, _CMP_UNORD_Q), quiet);
  return _mm512_and_si512(chosen, _mm512_set1_epi32(static_cast<int>(0xffff0000u)));
}

}  // namespace baleen::linear::avx512

#endif  // BALEEN_KERNELS_CPU_LINEAR_AVX512_ROUND_H_
