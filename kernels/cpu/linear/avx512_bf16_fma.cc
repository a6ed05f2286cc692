#include "kernels/cpu/linear/avx512_round.h"
#include "kernels/cpu/linear/avx512_tile.h"

namespace baleen::linear {
namespace {

struct FmaMath {
  using Input = float;
  static constexpr int kPerStep = 2;

  template <int R, int P>
  __attribute__((always_inline)) static inline void Step(const char* w, int64_t panel_bytes, const float* x, int64_t ldx,
                                                         __m512 (&acc)[R][P]) {
    const __m512i high = _mm512_set1_epi32(static_cast<int>(0xffff0000u));
    __m512i pairs[P];
    __m512 weights[P];
#pragma GCC unroll 8
    for (int p = 0; p < P; ++p) {
      pairs[p] = _mm512_load_si512(w + p * panel_bytes);
      weights[p] = _mm512_castsi512_ps(_mm512_and_si512(pairs[p], high));
    }
    Accumulate<R, P>(x + 1, ldx, weights, acc);
#pragma GCC unroll 8
    for (int p = 0; p < P; ++p) weights[p] = _mm512_castsi512_ps(_mm512_slli_epi32(pairs[p], 16));
    Accumulate<R, P>(x, ldx, weights, acc);
  }

  template <int R, int P>
  __attribute__((always_inline)) static inline void Accumulate(const float* x, int64_t ldx, const __m512 (&weights)[P],
                                                               __m512 (&acc)[R][P]) {
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
      const __m512 input = _mm512_set1_ps(x[r * ldx]);
#pragma GCC unroll 8
      for (int p = 0; p < P; ++p) acc[r][p] = _mm512_fmadd_ps(input, weights[p], acc[r][p]);
    }
  }
};

// Subnormals as vdpbf16ps has them, whatever the caller's mode: denormals-are-zero, flush-to-zero, round to nearest.
void RunFlushed(const PanelRun& run) {
  const unsigned mode = _mm_getcsr();
  _mm_setcsr(0x9fc0);
  avx512::Run<FmaMath>(run);
  _mm_setcsr(mode);
}

void Round(const float* x, int64_t k, void* out, int64_t ld) {
  float* row = static_cast<float*>(out);
  for (int64_t i = 0; i < ld; i += 16) _mm512_store_si512(row + i, avx512::RoundToBf16(x + i, k - i));
}

}  // namespace

PanelKernel Avx512Bf16Fma() { return {Inputs::kBf16InF32, avx512::kThinPanels, RunFlushed, Round}; }

}  // namespace baleen::linear
