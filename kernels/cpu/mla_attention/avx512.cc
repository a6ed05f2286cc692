#include "kernels/cpu/mla_attention/avx512_softmax.h"

namespace baleen::mla {
namespace {

using avx512::FirstLanes;

constexpr int kTileHeads = 4;

// The four sums over lanes, each in the order ((0+2)+(1+3)) within quarters, then quarters (0+1)+(2+3).
__m128 SumLanes(__m512 a, __m512 b, __m512 c, __m512 d) {
  const __m512 ab = _mm512_add_ps(_mm512_unpacklo_ps(a, b), _mm512_unpackhi_ps(a, b));
  const __m512 cd = _mm512_add_ps(_mm512_unpacklo_ps(c, d), _mm512_unpackhi_ps(c, d));
  const __m512 even = _mm512_castpd_ps(_mm512_unpacklo_pd(_mm512_castps_pd(ab), _mm512_castps_pd(cd)));
  const __m512 odd = _mm512_castpd_ps(_mm512_unpackhi_pd(_mm512_castps_pd(ab), _mm512_castps_pd(cd)));
  const __m512 all = _mm512_add_ps(even, odd);
  const __m128 low = _mm_add_ps(_mm512_extractf32x4_ps(all, 0), _mm512_extractf32x4_ps(all, 1));
  const __m128 high = _mm_add_ps(_mm512_extractf32x4_ps(all, 2), _mm512_extractf32x4_ps(all, 3));
  return _mm_add_ps(low, high);
}

// H heads against four keys: sums[h][j] += q[h] * k[j] over 16 channels.
template <int H>
__attribute__((always_inline)) inline void DotStep(const float* query, int64_t width, const float* const (&keys)[4], int64_t c,
                                                   __mmask16 mask, __m512 (&sums)[H][4]) {
  __m512 channels[4];
#pragma GCC unroll 4
  for (int j = 0; j < 4; ++j) channels[j] = _mm512_maskz_loadu_ps(mask, keys[j] + c);
#pragma GCC unroll 4
  for (int h = 0; h < H; ++h) {
    const __m512 q = _mm512_maskz_loadu_ps(mask, query + h * width + c);
#pragma GCC unroll 4
    for (int j = 0; j < 4; ++j) sums[h][j] = _mm512_fmadd_ps(q, channels[j], sums[h][j]);
  }
}

// scores[h][key] = scale * q k for all keys of the block. Past the last key, the last is taken again: what lies there may be anything.
template <int H>
void Scores(const Block& block, const float* query, float (&scores)[kTileHeads][kBlockKeys]) {
  const __m128 scale = _mm_set1_ps(block.scale);
  const __mmask16 tail = FirstLanes(block.width % 16);
  for (int64_t key = 0; key < block.count; key += 4) {
    const float* keys[4];
    for (int64_t j = 0; j < 4; ++j)
      keys[j] = static_cast<const float*>(block.keys) + (key + j < block.count ? key + j : block.count - 1) * block.width;
    __m512 sums[H][4];
#pragma GCC unroll 4
    for (int h = 0; h < H; ++h) sums[h][0] = sums[h][1] = sums[h][2] = sums[h][3] = _mm512_setzero_ps();
    int64_t c = 0;
    for (; c + 16 <= block.width; c += 16) DotStep<H>(query, block.width, keys, c, 0xffff, sums);
    if (c < block.width) DotStep<H>(query, block.width, keys, c, tail, sums);
#pragma GCC unroll 4
    for (int h = 0; h < H; ++h) {
      _mm_store_ps(scores[h] + key, _mm_mul_ps(scale, SumLanes(sums[h][0], sums[h][1], sums[h][2], sums[h][3])));
    }
  }
}

// acc[h][c ..] = decay[h] * acc[h][c ..] + sum over keys of weight * value, for C vectors of channels.
template <int H, int C>
__attribute__((always_inline)) inline void Values(const Block& block, float* acc, const float* decay,
                                                  const float (&weights)[kTileHeads][kBlockKeys], int64_t channel, __mmask16 mask) {
  __m512 sums[H][C];
#pragma GCC unroll 4
  for (int h = 0; h < H; ++h) {
#pragma GCC unroll 4
    for (int c = 0; c < C; ++c) {
      sums[h][c] = block.first
                       ? _mm512_setzero_ps()
                       : _mm512_mul_ps(_mm512_set1_ps(decay[h]), _mm512_maskz_loadu_ps(mask, acc + h * block.kv_lora + channel + 16 * c));
    }
  }
  for (int64_t key = 0; key < block.count; ++key) {
    const float* value = static_cast<const float*>(block.keys) + key * block.width + channel;
    __m512 channels[C];
#pragma GCC unroll 4
    for (int c = 0; c < C; ++c) channels[c] = _mm512_maskz_loadu_ps(mask, value + 16 * c);
#pragma GCC unroll 4
    for (int h = 0; h < H; ++h) {
      const __m512 weight = _mm512_set1_ps(weights[h][key]);
#pragma GCC unroll 4
      for (int c = 0; c < C; ++c) sums[h][c] = _mm512_fmadd_ps(weight, channels[c], sums[h][c]);
    }
  }
#pragma GCC unroll 4
  for (int h = 0; h < H; ++h) {
#pragma GCC unroll 4
    for (int c = 0; c < C; ++c) _mm512_mask_storeu_ps(acc + h * block.kv_lora + channel + 16 * c, mask, sums[h][c]);
  }
}

template <int H>
void AttendHeads(const Block& block, int64_t head) {
  alignas(64) float weights[kTileHeads][kBlockKeys];
  float decay[kTileHeads];
  Scores<H>(block, static_cast<const float*>(block.query) + head * block.width, weights);
  for (int h = 0; h < H; ++h) decay[h] = avx512::Softmax(block, head + h, weights[h]);
  float* acc = block.acc + head * block.kv_lora;
  int64_t c = 0;
  for (; c + 64 <= block.kv_lora; c += 64) Values<H, 4>(block, acc, decay, weights, c, 0xffff);
  for (; c < block.kv_lora; c += 16) Values<H, 1>(block, acc, decay, weights, c, FirstLanes(block.kv_lora - c));
}

void Attend(const Block& block) {
  int64_t head = 0;
  for (; head + kTileHeads <= block.heads; head += kTileHeads) AttendHeads<kTileHeads>(block, head);
  for (; head < block.heads; ++head) AttendHeads<1>(block, head);
}

int64_t PackedBytes(int64_t width, int64_t kv_lora) { return kBlockKeys * width * static_cast<int64_t>(sizeof(float)); }

void Pack(const uint16_t* bf16, int64_t count, int64_t width, int64_t kv_lora, bool reused, void* packed) {
  float* const out = static_cast<float*>(packed);
  const int64_t values = count * width;
  for (int64_t i = 0; i < values; i += 16) {
    const __mmask16 mask = FirstLanes(values - i);
    const __m512i wide = _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(mask, bf16 + i));
    _mm512_mask_storeu_ps(out + i, mask, _mm512_castsi512_ps(_mm512_slli_epi32(wide, 16)));
  }
}

}  // namespace

Kernel Avx512() { return {.packed_bytes = PackedBytes, .pack = Pack, .attend = Attend}; }

}  // namespace baleen::mla
