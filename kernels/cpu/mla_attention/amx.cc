// Heads are the rows of the matrix registers, 16 at a time; a block of 64 keys is packed once for all rows of a run as the right-hand sides
// of both products. BF16 products come in pairs, so both sides hold pairs of what is summed over.
#include "kernels/cpu/mla_attention/avx512_softmax.h"

namespace baleen::mla {
namespace {

using avx512::FirstLanes;

constexpr int64_t kTile = 16;         // Rows of a register, and its 4-byte columns.
constexpr int64_t kTileBytes = 1024;  // kTile rows of 64 bytes.
constexpr int64_t kLine = 64;
constexpr int64_t kKeyTiles = kBlockKeys / kTile;
constexpr int64_t kValueSteps = kBlockKeys / 2 / kTile;  // Steps of 32 keys.

// Steps of 32 channels that a score takes.
__attribute__((always_inline)) inline int64_t ScoreSteps(int64_t width) { return (width + 31) / 32; }

// Packed: scores' side [key tile][step][16 channel pairs][16 keys], then values' side [channel tile][step][16 key pairs][16 channels].
__attribute__((always_inline)) inline int64_t ScoreBytes(int64_t width) { return kKeyTiles * ScoreSteps(width) * kTileBytes; }

int64_t PackedBytes(int64_t width, int64_t kv_lora) { return ScoreBytes(width) + kv_lora / kTile * kValueSteps * kTileBytes; }

// Rows r[i] of 16 words become columns.
__attribute__((always_inline)) inline void Transpose(__m512i (&r)[16]) {
  __m512i t[16];
#pragma GCC unroll 8
  for (int i = 0; i < 16; i += 2) {
    t[i] = _mm512_unpacklo_epi32(r[i], r[i + 1]);
    t[i + 1] = _mm512_unpackhi_epi32(r[i], r[i + 1]);
  }
#pragma GCC unroll 4
  for (int i = 0; i < 16; i += 4) {
    r[i] = _mm512_unpacklo_epi64(t[i], t[i + 2]);
    r[i + 1] = _mm512_unpackhi_epi64(t[i], t[i + 2]);
    r[i + 2] = _mm512_unpacklo_epi64(t[i + 1], t[i + 3]);
    r[i + 3] = _mm512_unpackhi_epi64(t[i + 1], t[i + 3]);
  }
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {
    t[i] = _mm512_shuffle_i32x4(r[i], r[i + 4], 0x88);
    t[i + 4] = _mm512_shuffle_i32x4(r[i], r[i + 4], 0xdd);
    t[i + 8] = _mm512_shuffle_i32x4(r[i + 8], r[i + 12], 0x88);
    t[i + 12] = _mm512_shuffle_i32x4(r[i + 8], r[i + 12], 0xdd);
  }
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {
    r[i] = _mm512_shuffle_i32x4(t[i], t[i + 8], 0x88);
    r[i + 8] = _mm512_shuffle_i32x4(t[i], t[i + 8], 0xdd);
    r[i + 4] = _mm512_shuffle_i32x4(t[i + 4], t[i + 12], 0x88);
    r[i + 12] = _mm512_shuffle_i32x4(t[i + 4], t[i + 12], 0xdd);
  }
}

// 32 channels of a key from `channel`, zeros past the width.
__attribute__((always_inline)) inline __m512i Channels(const uint16_t* key, int64_t channel, int64_t width) {
  const int64_t left = width - channel;
  return _mm512_maskz_loadu_epi16(left >= 32 ? ~__mmask32{0} : static_cast<__mmask32>((uint64_t{1} << left) - 1), key + channel);
}

void PackScores(const uint16_t* page, int64_t count, int64_t width, char* out) {
  for (int64_t first = 0; first < kBlockKeys; first += kTile) {
    for (int64_t channel = 0; channel < width; channel += 32, out += kTileBytes) {
      __m512i rows[16];
#pragma GCC unroll 16
      for (int i = 0; i < 16; ++i) {
        rows[i] = first + i < count ? Channels(page + (first + i) * width, channel, width) : _mm512_setzero_si512();
      }
      Transpose(rows);
#pragma GCC unroll 16
      for (int i = 0; i < 16; ++i) _mm512_store_si512(out + i * kLine, rows[i]);
    }
  }
}

// Two keys' channels, taken in turn. Returns whether all are finite.
bool PackValues(const uint16_t* page, int64_t count, int64_t width, int64_t kv_lora, char* out) {
  alignas(64) uint16_t order[64];
  for (int i = 0; i < 32; ++i) {
    order[2 * i] = static_cast<uint16_t>(i);
    order[2 * i + 1] = static_cast<uint16_t>(32 + i);
  }
  const __m512i low = _mm512_load_si512(order);
  const __m512i high = _mm512_load_si512(order + 32);
  const __m512i exponent = _mm512_set1_epi16(0x7f80);
  __mmask32 infinite = 0;
  for (int64_t key = 0; key < kBlockKeys; key += 2) {
    for (int64_t channel = 0; channel < kv_lora; channel += 32) {
      const __m512i a = key < count ? Channels(page + key * width, channel, kv_lora) : _mm512_setzero_si512();
      const __m512i b = key + 1 < count ? Channels(page + (key + 1) * width, channel, kv_lora) : _mm512_setzero_si512();
      infinite |= _mm512_cmpeq_epi16_mask(_mm512_and_si512(a, exponent), exponent);
      infinite |= _mm512_cmpeq_epi16_mask(_mm512_and_si512(b, exponent), exponent);
      char* const tile = out + channel / kTile * kValueSteps * kTileBytes + key / 2 * kLine;
      _mm512_store_si512(tile, _mm512_permutex2var_epi16(a, low, b));
      if (channel + kTile < kv_lora) _mm512_store_si512(tile + kValueSteps * kTileBytes, _mm512_permutex2var_epi16(a, high, b));
    }
  }
  return infinite == 0;
}

bool Pack(const uint16_t* page, int64_t count, int64_t width, int64_t kv_lora, void* out) {
  PackScores(page, count, width, static_cast<char*>(out));
  return PackValues(page, count, width, kv_lora, static_cast<char*>(out) + ScoreBytes(width));
}

int64_t QueryBytes(int64_t width) { return ScoreSteps(width) * kLine; }

// x [count] to BF16, zeros behind up to a multiple of 32.
__attribute__((always_inline)) inline void RoundRow(const float* x, int64_t count, char* out) {
  for (int64_t i = 0; i < count; i += 32) {
    const __m512 low = _mm512_maskz_loadu_ps(FirstLanes(count - i), x + i);
    const __m512 high = _mm512_maskz_loadu_ps(FirstLanes(count - i - 16), x + i + 16);
    const auto rounded = _mm512_cvtne2ps_pbh(high, low);
    __builtin_memcpy(out + i * 2, &rounded, sizeof(rounded));
  }
}

void RoundQuery(const float* query, int64_t heads, int64_t width, void* out) {
  for (int64_t head = 0; head < heads; ++head) RoundRow(query + head * width, width, static_cast<char*>(out) + head * QueryBytes(width));
}

// Registers 0 .. 4 have a row a head; 5, 6 and 7 hold right-hand sides.
void Configure(int64_t heads) {
  struct alignas(64) {
    uint8_t palette = 1;
    uint8_t start_row = 0;
    uint8_t reserved[14] = {};
    uint16_t row_bytes[16] = {};
    uint8_t rows[16] = {};
  } config;
  for (int tile = 0; tile < 8; ++tile) {
    config.row_bytes[tile] = kLine;
    config.rows[tile] = static_cast<uint8_t>(tile < 5 ? heads : kTile);
  }
  _tile_loadconfig(&config);
}

// Asks for a page a piece at a time: decode waits for keys, so they come while the last block is computed.
class Ahead {
 public:
  Ahead(const void* page, int64_t bytes, int64_t pieces)
      : next_(static_cast<const char*>(page)), end_(page == nullptr ? next_ : next_ + bytes), piece_(bytes / pieces + kLine) {}

  __attribute__((always_inline)) void Piece() {
    for (const char* stop = end_ - next_ < piece_ ? end_ : next_ + piece_; next_ < stop; next_ += kLine) _mm_prefetch(next_, _MM_HINT_T1);
  }

 private:
  const char* next_;
  const char* const end_;
  const int64_t piece_;
};

// scores [heads, 64] = queries times packed keys.
void Scores(const char* query, int64_t query_bytes, const char* keys, int64_t steps, Ahead& ahead, float (&scores)[kTile][kBlockKeys]) {
  _tile_zero(0);
  _tile_zero(1);
  _tile_zero(2);
  _tile_zero(3);
  const int64_t key_tile = steps * kTileBytes;
  for (int64_t step = 0; step < steps; ++step) {
    const char* const right = keys + step * kTileBytes;
    _tile_loadd(4, query + step * kLine, query_bytes);
    _tile_loadd(5, right, kLine);
    _tile_dpbf16ps(0, 4, 5);
    _tile_loadd(6, right + key_tile, kLine);
    _tile_dpbf16ps(1, 4, 6);
    _tile_loadd(7, right + 2 * key_tile, kLine);
    _tile_dpbf16ps(2, 4, 7);
    _tile_loadd(5, right + 3 * key_tile, kLine);
    _tile_dpbf16ps(3, 4, 5);
    ahead.Piece();
  }
  constexpr int64_t kStride = kBlockKeys * sizeof(float);
  _tile_stored(0, scores[0], kStride);
  _tile_stored(1, scores[0] + kTile, kStride);
  _tile_stored(2, scores[0] + 2 * kTile, kStride);
  _tile_stored(3, scores[0] + 3 * kTile, kStride);
}

// One head's weights [64] in BF16, zeros behind `count`; returns what earlier sums are worth now.
float Weights(const Block& block, int64_t head, float* scores, char* weights) {
  const __m512 scale = _mm512_set1_ps(block.scale);
  for (int64_t key = 0; key < block.count; key += kTile) _mm512_store_ps(scores + key, _mm512_mul_ps(scale, _mm512_load_ps(scores + key)));
  const float decay = avx512::Softmax(block, head, scores);
  for (int64_t key = 0; key < kBlockKeys; key += kTile) {
    _mm512_store_ps(scores + key, _mm512_maskz_mov_ps(FirstLanes(block.count - key), _mm512_load_ps(scores + key)));
  }
  RoundRow(scores, kBlockKeys, weights);
  return decay;
}

void ScaleRow(float factor, int64_t count, float* row) {
  if (factor == 1.0f) return;
  for (int64_t c = 0; c < count; c += kTile) _mm512_storeu_ps(row + c, _mm512_mul_ps(_mm512_set1_ps(factor), _mm512_loadu_ps(row + c)));
}

// acc [heads, kv_lora] += weights [heads, 64] times packed values, two tiles of channels at a time.
void AddValues(const Block& block, const char (&weights)[kTile][2 * kBlockKeys], const char* values, Ahead& ahead, float* acc) {
  const int64_t stride = block.kv_lora * static_cast<int64_t>(sizeof(float));
  const int64_t tiles = block.kv_lora / kTile;
  __asm__ volatile("" ::: "memory");  // GCC's tile loads do not say that they read memory.
  _tile_loadd(2, weights[0], 2 * kBlockKeys);
  _tile_loadd(3, weights[0] + kLine, 2 * kBlockKeys);
  for (int64_t tile = 0; tile < tiles; tile += 2) {
    const bool two = tile + 1 < tiles;
    float* const out = acc + tile * kTile;
    const char* const right = values + tile * kValueSteps * kTileBytes;
    if (block.first) {
      _tile_zero(0);
      _tile_zero(1);
    } else {
      _tile_loadd(0, out, stride);
      if (two) _tile_loadd(1, out + kTile, stride);
    }
    _tile_loadd(5, right, kLine);
    _tile_dpbf16ps(0, 2, 5);
    _tile_loadd(6, right + kTileBytes, kLine);
    _tile_dpbf16ps(0, 3, 6);
    if (two) {
      _tile_loadd(7, right + 2 * kTileBytes, kLine);
      _tile_dpbf16ps(1, 2, 7);
      _tile_loadd(5, right + 3 * kTileBytes, kLine);
      _tile_dpbf16ps(1, 3, 5);
      _tile_stored(1, out + kTile, stride);
    }
    _tile_stored(0, out, stride);
    ahead.Piece();
  }
}

void Attend(const Block& block) {
  const int64_t query_bytes = QueryBytes(block.width);
  const char* const keys = static_cast<const char*>(block.keys);
  const int64_t pieces = ScoreSteps(block.width) + (block.kv_lora / kTile + 1) / 2;
  Ahead ahead(block.next_page, kBlockKeys * block.width * static_cast<int64_t>(sizeof(uint16_t)), pieces);
  alignas(64) float scores[kTile][kBlockKeys];
  alignas(64) char weights[kTile][2 * kBlockKeys];
  for (int64_t head = 0; head < block.heads; head += kTile) {
    const int64_t heads = block.heads - head < kTile ? block.heads - head : kTile;
    float* const acc = block.acc + head * block.kv_lora;
    if (head == 0 || heads < kTile) Configure(heads);
    Scores(static_cast<const char*>(block.query) + head * query_bytes, query_bytes, keys, ScoreSteps(block.width), ahead, scores);
    for (int64_t h = 0; h < heads; ++h) {
      const float decay = Weights(block, head + h, scores[h], weights[h]);
      if (!block.first) ScaleRow(decay, block.kv_lora, acc + h * block.kv_lora);
    }
    AddValues(block, weights, keys + ScoreBytes(block.width), ahead, acc);
  }
  _tile_release();
}

}  // namespace

Kernel Amx() { return {PackedBytes, Pack, QueryBytes, RoundQuery, Attend}; }

}  // namespace baleen::mla
