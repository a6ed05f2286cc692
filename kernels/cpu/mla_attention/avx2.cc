#include <immintrin.h>

#include "kernels/cpu/mla_attention/block.h"

namespace baleen::mla {
namespace {

constexpr int kTileHeads = 2;

__m256i FirstLanes(int64_t count) {
  const int bounded = count < 0 ? 0 : count > 8 ? 8 : static_cast<int>(count);
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(bounded), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

// e^x for x <= 0, Cody-Waite and Taylor to degree 7: within 2 ulp; 0 where the result would be subnormal.
__m256 Exp(__m256 x) {
  const __m256 lowest = _mm256_set1_ps(-87.0f);
  const __m256 vanishes = _mm256_cmp_ps(x, lowest, _CMP_LT_OQ);
  x = _mm256_max_ps(lowest, x);
  const __m256 k = _mm256_round_ps(_mm256_mul_ps(x, _mm256_set1_ps(1.44269504f)), _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  __m256 r = _mm256_fnmadd_ps(k, _mm256_set1_ps(0.693359375f), x);
  r = _mm256_fnmadd_ps(k, _mm256_set1_ps(-2.12194440e-4f), r);
  __m256 p = _mm256_set1_ps(1.0f / 5040);
  p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(1.0f / 720));
  p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(1.0f / 120));
  p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(1.0f / 24));
  p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(1.0f / 6));
  p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(0.5f));
  p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(1.0f));
  p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(1.0f));
  const __m256i power = _mm256_slli_epi32(_mm256_add_epi32(_mm256_cvtps_epi32(k), _mm256_set1_epi32(127)), 23);
  return _mm256_andnot_ps(vanishes, _mm256_mul_ps(p, _mm256_castsi256_ps(power)));
}

// The four sums over lanes, each in the order ((0+1)+(2+3)) + ((4+5)+(6+7)).
__m128 SumLanes(__m256 a, __m256 b, __m256 c, __m256 d) {
  const __m256 all = _mm256_hadd_ps(_mm256_hadd_ps(a, b), _mm256_hadd_ps(c, d));
  return _mm_add_ps(_mm256_castps256_ps128(all), _mm256_extractf128_ps(all, 1));
}

float Max(__m256 x) {
  __m128 y = _mm_max_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
  y = _mm_max_ps(y, _mm_movehl_ps(y, y));
  return _mm_cvtss_f32(_mm_max_ss(y, _mm_movehdup_ps(y)));
}

template <int H>
__attribute__((always_inline)) inline void DotStep(const __m256 (&q)[H], const __m256 (&channels)[4], __m256 (&sums)[H][4]) {
#pragma GCC unroll 4
  for (int h = 0; h < H; ++h) {
#pragma GCC unroll 4
    for (int j = 0; j < 4; ++j) sums[h][j] = _mm256_fmadd_ps(q[h], channels[j], sums[h][j]);
  }
}

// scores[h][key] = scale * q k for all keys of the block. Past the last key, the last is taken again: what lies there may be anything.
template <int H>
void Scores(const Block& block, const float* query, float (&scores)[kTileHeads][kBlockKeys]) {
  const __m128 scale = _mm_set1_ps(block.scale);
  const __m256i tail = FirstLanes(block.width % 8);
  for (int64_t key = 0; key < block.count; key += 4) {
    const float* keys[4];
    for (int64_t j = 0; j < 4; ++j)
      keys[j] = static_cast<const float*>(block.keys) + (key + j < block.count ? key + j : block.count - 1) * block.width;
    __m256 sums[H][4];
    __m256 q[H];
    __m256 channels[4];
#pragma GCC unroll 4
    for (int h = 0; h < H; ++h) sums[h][0] = sums[h][1] = sums[h][2] = sums[h][3] = _mm256_setzero_ps();
    int64_t c = 0;
    for (; c + 8 <= block.width; c += 8) {
#pragma GCC unroll 4
      for (int j = 0; j < 4; ++j) channels[j] = _mm256_loadu_ps(keys[j] + c);
#pragma GCC unroll 4
      for (int h = 0; h < H; ++h) q[h] = _mm256_loadu_ps(query + h * block.width + c);
      DotStep<H>(q, channels, sums);
    }
    if (c < block.width) {
      for (int j = 0; j < 4; ++j) channels[j] = _mm256_maskload_ps(keys[j] + c, tail);
      for (int h = 0; h < H; ++h) q[h] = _mm256_maskload_ps(query + h * block.width + c, tail);
      DotStep<H>(q, channels, sums);
    }
#pragma GCC unroll 4
    for (int h = 0; h < H; ++h) {
      _mm_store_ps(scores[h] + key, _mm_mul_ps(scale, SumLanes(sums[h][0], sums[h][1], sums[h][2], sums[h][3])));
    }
  }
}

// Turns one head's scores into exp(score - max) and updates max and sum; returns what earlier sums are worth now.
float Softmax(const Block& block, int64_t head, float* scores) {
  // Keys that are not there weigh nothing: exp(-inf) = 0.
  for (int64_t key = block.count; key % 8 != 0; ++key) scores[key] = -__builtin_inff();
  __m256 tops = _mm256_set1_ps(-__builtin_inff());
  for (int64_t key = 0; key < block.count; key += 8) tops = _mm256_max_ps(tops, _mm256_load_ps(scores + key));
  float top = Max(tops);
  if (!block.first && block.max[head] > top) top = block.max[head];
  __m256 sums = _mm256_setzero_ps();
  for (int64_t key = 0; key < block.count; key += 8) {
    const __m256 weights = Exp(_mm256_sub_ps(_mm256_load_ps(scores + key), _mm256_set1_ps(top)));
    _mm256_store_ps(scores + key, weights);
    sums = _mm256_add_ps(sums, weights);
  }
  const float decay = block.first ? 0.0f : _mm256_cvtss_f32(Exp(_mm256_set1_ps(block.max[head] - top)));
  const float sum = _mm_cvtss_f32(SumLanes(sums, sums, sums, sums));
  block.sum[head] = block.first ? sum : __builtin_fmaf(block.sum[head], decay, sum);
  block.max[head] = top;
  return decay;
}

// acc[h][c ..] = decay[h] * acc[h][c ..] + sum over keys of weight * value, for C vectors of channels.
template <int H, int C>
void Values(const Block& block, float* acc, const float* decay, const float (&weights)[kTileHeads][kBlockKeys], int64_t channel,
            __m256i mask) {
  __m256 sums[H][C];
#pragma GCC unroll 4
  for (int h = 0; h < H; ++h) {
#pragma GCC unroll 4
    for (int c = 0; c < C; ++c) {
      sums[h][c] = block.first
                       ? _mm256_setzero_ps()
                       : _mm256_mul_ps(_mm256_set1_ps(decay[h]), _mm256_maskload_ps(acc + h * block.kv_lora + channel + 8 * c, mask));
    }
  }
  for (int64_t key = 0; key < block.count; ++key) {
    const float* value = static_cast<const float*>(block.keys) + key * block.width + channel;
    __m256 channels[C];
#pragma GCC unroll 4
    for (int c = 0; c < C; ++c) channels[c] = C == 1 ? _mm256_maskload_ps(value, mask) : _mm256_loadu_ps(value + 8 * c);
#pragma GCC unroll 4
    for (int h = 0; h < H; ++h) {
      const __m256 weight = _mm256_set1_ps(weights[h][key]);
#pragma GCC unroll 4
      for (int c = 0; c < C; ++c) sums[h][c] = _mm256_fmadd_ps(weight, channels[c], sums[h][c]);
    }
  }
#pragma GCC unroll 4
  for (int h = 0; h < H; ++h) {
#pragma GCC unroll 4
    for (int c = 0; c < C; ++c) _mm256_maskstore_ps(acc + h * block.kv_lora + channel + 8 * c, mask, sums[h][c]);
  }
}

template <int H>
void AttendHeads(const Block& block, int64_t head) {
  alignas(32) float weights[kTileHeads][kBlockKeys];
  float decay[kTileHeads];
  Scores<H>(block, static_cast<const float*>(block.query) + head * block.width, weights);
  for (int h = 0; h < H; ++h) decay[h] = Softmax(block, head + h, weights[h]);
  float* acc = block.acc + head * block.kv_lora;
  int64_t c = 0;
  for (; c + 32 <= block.kv_lora; c += 32) Values<H, 4>(block, acc, decay, weights, c, FirstLanes(8));
  for (; c < block.kv_lora; c += 8) Values<H, 1>(block, acc, decay, weights, c, FirstLanes(block.kv_lora - c));
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
  int64_t i = 0;
  for (; i + 8 <= values; i += 8) {
    const __m256i wide = _mm256_cvtepu16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(bf16 + i)));
    _mm256_storeu_ps(out + i, _mm256_castsi256_ps(_mm256_slli_epi32(wide, 16)));
  }
  for (; i < values; ++i) {
    const uint32_t bits = static_cast<uint32_t>(bf16[i]) << 16;
    __builtin_memcpy(out + i, &bits, sizeof(bits));
  }
}

}  // namespace

Kernel Avx2() { return {.packed_bytes = PackedBytes, .pack = Pack, .attend = Attend}; }

}  // namespace baleen::mla
