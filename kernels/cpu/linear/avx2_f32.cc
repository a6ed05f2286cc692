#include "kernels/cpu/linear/avx2_tile.h"

namespace baleen::linear {
namespace {

struct F32Math {
  static constexpr int kPerStep = 1;

  template <int R>
  __attribute__((always_inline)) static inline void Step(const char* w, const float* x, int64_t ldx, __m256 (&acc)[R][2]) {
    const __m256 low = _mm256_load_ps(reinterpret_cast<const float*>(w));
    const __m256 high = _mm256_load_ps(reinterpret_cast<const float*>(w) + 8);
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
      const __m256 input = _mm256_broadcast_ss(x + r * ldx);
      acc[r][0] = _mm256_fmadd_ps(input, low, acc[r][0]);
      acc[r][1] = _mm256_fmadd_ps(input, high, acc[r][1]);
    }
  }
};

}  // namespace

// 6 rows: 12 of 16 registers accumulate.
PanelKernel Avx2F32() { return {Inputs::kF32, 4, avx2::Run<F32Math, 6>, nullptr}; }

}  // namespace baleen::linear
