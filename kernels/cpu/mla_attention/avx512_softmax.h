// What the AVX-512 and AMX kernels share: exp and one step of the online softmax.
// Only for files compiled for AVX-512.
#ifndef BALEEN_KERNELS_CPU_MLA_ATTENTION_AVX512_SOFTMAX_H_
#define BALEEN_KERNELS_CPU_MLA_ATTENTION_AVX512_SOFTMAX_H_

#include <immintrin.h>

#include "kernels/cpu/mla_attention/block.h"

namespace baleen::mla::avx512 {

__attribute__((always_inline)) inline __mmask16 FirstLanes(int64_t count) {
  return count >= 16 ? 0xffff : static_cast<__mmask16>((1u << (count < 0 ? 0 : count)) - 1);
}

// e^x for x <= 0, Cody-Waite and Taylor to degree 7: within 2 ulp; 0 below -104.
__attribute__((always_inline)) inline __m512 Exp(__m512 x) {
  x = _mm512_max_ps(_mm512_set1_ps(-105.0f), x);
  const __m512 k = _mm512_roundscale_ps(_mm512_mul_ps(x, _mm512_set1_ps(1.44269504f)), _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  __m512 r = _mm512_fnmadd_ps(k, _mm512_set1_ps(0.693359375f), x);
  r = _mm512_fnmadd_ps(k, _mm512_set1_ps(-2.12194440e-4f), r);
  __m512 p = _mm512_set1_ps(1.0f / 5040);
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(1.0f / 720));
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(1.0f / 120));
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(1.0f / 24));
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(1.0f / 6));
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(0.5f));
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(1.0f));
  p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(1.0f));
  return _mm512_scalef_ps(p, k);
}

// Turns one head's scores into exp(score - max) and updates max and sum; returns what earlier sums are worth now.
__attribute__((always_inline)) inline float Softmax(const Block& block, int64_t head, float* scores) {
  const __m512 lowest = _mm512_set1_ps(-__builtin_inff());
  __m512 tops = lowest;
  for (int64_t key = 0; key < block.count; key += 16) {
    tops = _mm512_max_ps(tops, _mm512_mask_loadu_ps(lowest, FirstLanes(block.count - key), scores + key));
  }
  float top = _mm512_reduce_max_ps(tops);
  if (!block.first && block.max[head] > top) top = block.max[head];
  __m512 sums = _mm512_setzero_ps();
  for (int64_t key = 0; key < block.count; key += 16) {
    const __mmask16 mask = FirstLanes(block.count - key);
    const __m512 weights = Exp(_mm512_sub_ps(_mm512_maskz_loadu_ps(mask, scores + key), _mm512_set1_ps(top)));
    _mm512_mask_storeu_ps(scores + key, mask, weights);
    sums = _mm512_add_ps(sums, _mm512_maskz_mov_ps(mask, weights));
  }
  const float decay = block.first ? 0.0f : _mm512_cvtss_f32(Exp(_mm512_set1_ps(block.max[head] - top)));
  const float sum = _mm512_reduce_add_ps(sums);
  block.sum[head] = block.first ? sum : __builtin_fmaf(block.sum[head], decay, sum);
  block.max[head] = top;
  return decay;
}

}  // namespace baleen::mla::avx512

#endif  // BALEEN_KERNELS_CPU_MLA_ATTENTION_AVX512_SOFTMAX_H_
