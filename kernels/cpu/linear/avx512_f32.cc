#include "kernels/cpu/linear/avx512_tile.h"

namespace baleen::linear {
namespace {

struct F32Math {
  using Input = float;
  static constexpr int kPerStep = 1;

  template <int R, int P>
  __attribute__((always_inline)) static inline void Step(const char* w, int64_t panel_bytes, const float* x, int64_t ldx,
                                                         __m512 (&acc)[R][P]) {
    __m512 weights[P];
#pragma GCC unroll 8
    for (int p = 0; p < P; ++p) weights[p] = _mm512_load_ps(w + p * panel_bytes);
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
      const __m512 input = _mm512_set1_ps(x[r * ldx]);
#pragma GCC unroll 8
      for (int p = 0; p < P; ++p) acc[r][p] = _mm512_fmadd_ps(input, weights[p], acc[r][p]);
    }
  }
};

}  // namespace

PanelKernel Avx512F32() { return {Inputs::kF32, avx512::kThinPanels, avx512::Run<F32Math>, nullptr}; }

}  // namespace baleen::linear
