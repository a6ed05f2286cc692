#include "kernels/cpu/linear/avx2_tile.h"
#include "kernels/cpu/linear/int8_round.h"

namespace baleen::linear {
namespace {

constexpr int64_t kBlockSteps = kBlockInputs / 4;

template <typename T>
__attribute__((always_inline)) inline T Load(const char* from) {
  T value;
  __builtin_memcpy(&value, from, sizeof(value));
  return value;
}

// vpmaddubsw wants one side unsigned and saturates at 16 bits: magnitudes of weights by inputs with the weights' signs, at most
// 2 * 127 * 127.
template <int R>
__attribute__((noinline)) void Tile(const PanelRun& run, int64_t panel, int64_t row) {
  const __m256i top = _mm256_set1_epi8(static_cast<char>(0x80));
  const __m256i ones = _mm256_set1_epi16(1);
  const int64_t blocks = (run.steps + kBlockSteps - 1) / kBlockSteps;
  const char* w = static_cast<const char*>(run.panels) + panel * run.panel_bytes;
  const char* x = static_cast<const char*>(run.x) + row * run.ldx;
  const char* scales = x + blocks * kBlockInputs;
  __m256 sums[R][2];
  for (int r = 0; r < R; ++r) sums[r][0] = sums[r][1] = _mm256_setzero_ps();
  for (int64_t block = 0; block < blocks; ++block) {
    const int64_t left = run.steps - block * kBlockSteps;
    const int64_t steps = left < kBlockSteps ? left : kBlockSteps;
    __m256i dots[R][2];
    for (int r = 0; r < R; ++r) dots[r][0] = dots[r][1] = _mm256_setzero_si256();
    for (int64_t step = 0; step < steps; ++step) {
#pragma GCC unroll 2
      for (int half = 0; half < 2; ++half) {
        const char* at = w + 64 + step * 64 + half * 32;
        const __m256i codes = _mm256_xor_si256(_mm256_load_si256(reinterpret_cast<const __m256i*>(at)), top);
        const __m256i magnitudes = _mm256_abs_epi8(codes);
#pragma GCC unroll 4
        for (int r = 0; r < R; ++r) {
          const __m256i inputs = _mm256_set1_epi32(Load<int>(x + r * run.ldx + step * 4));
          const __m256i pairs = _mm256_maddubs_epi16(magnitudes, _mm256_sign_epi8(inputs, codes));
          dots[r][half] = _mm256_add_epi32(dots[r][half], _mm256_madd_epi16(pairs, ones));
        }
      }
    }
    for (int r = 0; r < R; ++r) {
      const __m256 x_scale = _mm256_set1_ps(Load<float>(scales + r * run.ldx));
      for (int half = 0; half < 2; ++half) {
        const __m256 w_scale = _mm256_load_ps(reinterpret_cast<const float*>(w) + half * 8);
        sums[r][half] = _mm256_fmadd_ps(x_scale, _mm256_mul_ps(_mm256_cvtepi32_ps(dots[r][half]), w_scale), sums[r][half]);
      }
    }
    w += (steps + 1) * 64;
    x += kBlockInputs;
    scales += sizeof(float);
  }
  float* y = run.y + row * run.ldy + panel * kPanelOutputs;
  const int64_t columns = run.outputs - panel * kPanelOutputs;
  for (int r = 0; r < R; ++r) {
    _mm256_maskstore_ps(y + r * run.ldy, avx2::FirstLanes(columns), sums[r][0]);
    _mm256_maskstore_ps(y + r * run.ldy + 8, avx2::FirstLanes(columns - 8), sums[r][1]);
  }
}

void Run(const PanelRun& run) {
  for (int64_t panel = 0; panel < run.panel_count; ++panel) {
    int64_t row = 0;
    for (; row + 4 <= run.m; row += 4) Tile<4>(run, panel, row);
    for (; row < run.m; ++row) Tile<1>(run, panel, row);
  }
}

}  // namespace

PanelKernel Avx2Int8() { return {Inputs::kInt8, 4, Run, RoundInt8Row}; }

}  // namespace baleen::linear
