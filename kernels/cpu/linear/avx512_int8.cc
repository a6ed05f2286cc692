#include "kernels/cpu/linear/avx512_tile.h"

namespace baleen::linear {
namespace {

constexpr int64_t kBlockSteps = kBlockInputs / 4;

// As vpdpbusd sees its sums: were they __m512i, of 64-bit lanes to GCC, each step would copy them.
using Ints = int32_t __attribute__((vector_size(64)));

// Integer sums of a block stay in registers (24 of 32); the float sums wait in the first-level cache, read and written once in 32 steps.
struct Int8Tile {
  template <int R, int P>
  static void Run(const PanelRun& run, int64_t panel, int64_t row) {
    const int64_t blocks = (run.steps + kBlockSteps - 1) / kBlockSteps;
    const char* w = static_cast<const char*>(run.panels) + panel * run.panel_bytes;
    const char* x = static_cast<const char*>(run.x) + row * run.ldx;
    const char* scales = x + blocks * kBlockInputs;
    __m512 sums[R][P];
    for (int r = 0; r < R; ++r) {
      for (int p = 0; p < P; ++p) sums[r][p] = _mm512_setzero_ps();
    }
    for (int64_t block = 0; block < blocks; ++block) {
      const int64_t left = run.steps - block * kBlockSteps;
      const int64_t steps = left < kBlockSteps ? left : kBlockSteps;
      Block<R, P>(w, run.panel_bytes, x, scales, blocks, run.ldx, steps, sums);
      w += (steps + 1) * 64;
      x += kBlockInputs;
      scales += sizeof(float);
    }
    float* y = run.y + row * run.ldy + panel * kPanelOutputs;
    for (int p = 0; p < P; ++p) {
      const __mmask16 mask = avx512::FirstLanes(run.outputs - (panel + p) * kPanelOutputs);
      for (int r = 0; r < R; ++r) _mm512_mask_storeu_ps(y + r * run.ldy + p * kPanelOutputs, mask, sums[r][p]);
    }
  }

  template <int R, int P>
  __attribute__((noinline)) static void Block(const char* w, int64_t panel_bytes, const char* x, const char* scales, int64_t blocks,
                                              int64_t ldx, int64_t steps, __m512 (&sums)[R][P]) {
    Ints dots[R][P];
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) {
      const Ints offset = reinterpret_cast<Ints>(_mm512_set1_epi32(Load<int>(scales + blocks * 4 + r * ldx)));
#pragma GCC unroll 8
      for (int p = 0; p < P; ++p) dots[r][p] = offset;
    }
    const char* codes = w + 64;
    for (int64_t step = 0; step < steps; ++step, codes += 64) {
      __m512i weights[P];
#pragma GCC unroll 8
      for (int p = 0; p < P; ++p) weights[p] = _mm512_load_si512(codes + p * panel_bytes);
#pragma GCC unroll 8
      for (int r = 0; r < R; ++r) {
        const __m512i inputs = _mm512_set1_epi32(Load<int>(x + r * ldx + step * 4));
#pragma GCC unroll 8
        for (int p = 0; p < P; ++p) {
          dots[r][p] = reinterpret_cast<Ints>(_mm512_dpbusd_epi32(reinterpret_cast<__m512i>(dots[r][p]), weights[p], inputs));
        }
      }
    }
#pragma GCC unroll 8
    for (int p = 0; p < P; ++p) {
      const __m512 w_scale = _mm512_load_ps(w + p * panel_bytes);
#pragma GCC unroll 8
      for (int r = 0; r < R; ++r) {
        const __m512 x_scale = _mm512_set1_ps(Load<float>(scales + r * ldx));
        sums[r][p] =
            _mm512_fmadd_ps(x_scale, _mm512_mul_ps(_mm512_cvtepi32_ps(reinterpret_cast<__m512i>(dots[r][p])), w_scale), sums[r][p]);
      }
    }
  }

  template <typename T>
  __attribute__((always_inline)) static inline T Load(const char* from) {
    T value;
    __builtin_memcpy(&value, from, sizeof(value));
    return value;
  }
};

// One block of a row: 8 vectors of 16; the codes, their scale and the offset (the formula is in int8_round.h).
void RoundBlock(const float* x, int64_t count, char* codes, char* scale_out, char* offset_out) {
  const __m512i magnitude = _mm512_set1_epi32(0x7fffffff);
  __m512 values[8];
  __m512i greatest = _mm512_setzero_si512();
#pragma GCC unroll 8
  for (int i = 0; i < 8; ++i) {
    const int64_t left = count - 16 * i;
    values[i] = _mm512_maskz_loadu_ps(left <= 0 ? __mmask16{0} : avx512::FirstLanes(left), x + 16 * i);
    greatest = _mm512_max_epu32(greatest, _mm512_and_si512(_mm512_castps_si512(values[i]), magnitude));
  }
  const uint32_t bits = _mm512_reduce_max_epu32(greatest);
  float most;
  __builtin_memcpy(&most, &bits, sizeof(most));
  const bool finite = bits < 0x7f800000u;
  const bool any = finite && most >= kLeastInt8Magnitude;
  const float scale = any ? most / 127.0f : finite ? 0.0f : __builtin_nanf("");
  const __m512 inverse = _mm512_set1_ps(any ? 127.0f / most : 0.0f);
  const __mmask16 keep = any ? 0xffff : 0;
  __m512i sum = _mm512_setzero_si512();
#pragma GCC unroll 8
  for (int i = 0; i < 8; ++i) {
    const __m512i code = _mm512_maskz_cvtps_epi32(keep, _mm512_mul_ps(values[i], inverse));
    sum = _mm512_add_epi32(sum, code);
    _mm_store_si128(reinterpret_cast<__m128i*>(codes + 16 * i), _mm512_cvtepi32_epi8(code));
  }
  const int offset = -128 * _mm512_reduce_add_epi32(sum);
  __builtin_memcpy(scale_out, &scale, sizeof(scale));
  __builtin_memcpy(offset_out, &offset, sizeof(offset));
}

void Round(const float* x, int64_t k, void* out, int64_t ld) {
  const int64_t blocks = BlocksOf(k);
  char* codes = static_cast<char*>(out);
  char* scales = codes + blocks * kBlockInputs;
  for (int64_t block = 0; block < blocks; ++block) {
    RoundBlock(x + block * kBlockInputs, k - block * kBlockInputs, codes + block * kBlockInputs, scales + block * 4,
               scales + (blocks + block) * 4);
  }
}

}  // namespace

PanelKernel Avx512Int8() { return {Inputs::kInt8, avx512::kThinPanels, avx512::RunTiles<Int8Tile>, Round}; }

}  // namespace baleen::linear
