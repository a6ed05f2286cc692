#include "kernels/cpu/linear/avx2_tile.h"

namespace baleen::linear {
namespace {

struct Bf16Math {
  static constexpr int kPerStep = 2;

  template <int R>
  __attribute__((always_inline)) static inline void Step(const char* w, const float* x, int64_t ldx, __m256 (&acc)[R][2]) {
    const __m256i odd = _mm256_set1_epi32(static_cast<int>(0xffff0000u));
    const __m256i low = _mm256_load_si256(reinterpret_cast<const __m256i*>(w));
    const __m256i high = _mm256_load_si256(reinterpret_cast<const __m256i*>(w) + 1);
    const __m256 low_odd = _mm256_castsi256_ps(_mm256_and_si256(low, odd));
    const __m256 high_odd = _mm256_castsi256_ps(_mm256_and_si256(high, odd));
    const __m256 low_even = _mm256_castsi256_ps(_mm256_slli_epi32(low, 16));
    const __m256 high_even = _mm256_castsi256_ps(_mm256_slli_epi32(high, 16));
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
      const __m256 input_odd = _mm256_broadcast_ss(x + r * ldx + 1);
      const __m256 input_even = _mm256_broadcast_ss(x + r * ldx);
      acc[r][0] = _mm256_fmadd_ps(input_even, low_even, _mm256_fmadd_ps(input_odd, low_odd, acc[r][0]));
      acc[r][1] = _mm256_fmadd_ps(input_even, high_even, _mm256_fmadd_ps(input_odd, high_odd, acc[r][1]));
    }
  }
};

// Subnormals as vdpbf16ps has them: denormals-are-zero, flush-to-zero, round to nearest.
void RunFlushed(const PanelRun& run) {
  const unsigned mode = _mm_getcsr();
  _mm_setcsr(0x9fc0);
  avx2::Run<Bf16Math, 4>(run);
  _mm_setcsr(mode);
}

void Round(const float* x, int64_t k, void* out, int64_t ld) {
  float* row = static_cast<float*>(out);
  for (int64_t i = 0; i < ld; i += 8) {
    const __m256 value = _mm256_maskload_ps(x + i, avx2::FirstLanes(k - i));
    const __m256i bits = _mm256_castps_si256(value);
    const __m256i odd = _mm256_and_si256(_mm256_srli_epi32(bits, 16), _mm256_set1_epi32(1));
    const __m256 rounded = _mm256_castsi256_ps(_mm256_add_epi32(_mm256_add_epi32(bits, _mm256_set1_epi32(0x7fff)), odd));
    const __m256 quiet = _mm256_castsi256_ps(_mm256_or_si256(bits, _mm256_set1_epi32(0x400000)));
    const __m256 chosen = _mm256_blendv_ps(rounded, quiet, _mm256_cmp_ps(value, value, _CMP_UNORD_Q));
    _mm256_store_ps(row + i, _mm256_and_ps(chosen, _mm256_castsi256_ps(_mm256_set1_epi32(static_cast<int>(0xffff0000u)))));
  }
}

}  // namespace

// 4 rows: 8 registers accumulate, 4 hold widened weights and 2 inputs.
PanelKernel Avx2Bf16() { return {Inputs::kBf16InF32, 4, RunFlushed, Round}; }

}  // namespace baleen::linear
