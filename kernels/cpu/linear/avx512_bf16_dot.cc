#include "kernels/cpu/linear/avx512_round.h"
#include "kernels/cpu/linear/avx512_tile.h"

namespace baleen::linear {
namespace {

struct DotMath {
  using Input = uint16_t;
  static constexpr int kPerStep = 2;

  template <int R, int P>
  __attribute__((always_inline)) static inline void Step(const char* w, int64_t panel_bytes, const uint16_t* x, int64_t ldx,
                                                         __m512 (&acc)[R][P]) {
    __m512i weights[P];
#pragma GCC unroll 8
    for (int p = 0; p < P; ++p) weights[p] = _mm512_load_si512(w + p * panel_bytes);
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
      int pair;
      __builtin_memcpy(&pair, x + r * ldx, sizeof(pair));
      const __m512i inputs = _mm512_set1_epi32(pair);
#pragma GCC unroll 8
      for (int p = 0; p < P; ++p) {
        acc[r][p] = _mm512_dpbf16_ps(acc[r][p], reinterpret_cast<__m512bh>(inputs), reinterpret_cast<__m512bh>(weights[p]));
      }
    }
  }
};

void Round(const float* x, int64_t k, void* out, int64_t ld) {
  uint16_t* row = static_cast<uint16_t*>(out);
  for (int64_t i = 0; i < ld; i += 16) {
    const __m512i upper = _mm512_srli_epi32(avx512::RoundToBf16(x + i, k - i), 16);
    _mm256_store_si256(reinterpret_cast<__m256i*>(row + i), _mm512_cvtepi32_epi16(upper));
  }
}

}  // namespace

PanelKernel Avx512Bf16Dot() { return {Inputs::kBf16, avx512::kThinPanels, avx512::Run<DotMath>, Round}; }

}  // namespace baleen::linear
