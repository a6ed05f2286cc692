// Heads are the columns of scores and the rows of values, 16 at a time. A block of 64 keys multiplies the packed queries as it lies in its
// page; its values are packed once for all rows of a run. BF16 products come in pairs, so both sides hold pairs of what is summed over.
#include "kernels/cpu/mla_attention/avx512_softmax.h"
#include "kernels/cpu/tile_registers.h"

namespace baleen::mla {
namespace {

using amx::kLine;
using amx::kTileBytes;
using avx512::FirstLanes;

constexpr int64_t kTile = amx::kTileRows;  // Rows of a register, and its 4-byte columns.
constexpr int64_t kStepChannels = 32;      // Summed over by one product.
constexpr int64_t kValueSteps = kBlockKeys / kStepChannels;

// Products that a score takes.
__attribute__((always_inline)) inline int64_t ScoreSteps(int64_t width) { return (width + kStepChannels - 1) / kStepChannels; }

// In front of packed values: where the keys are, in their page or behind the values, in bytes.
struct alignas(kLine) PackedHead {
  const char* keys = nullptr;
  int64_t key = 0;   // From a key to the next.
  int64_t step = 0;  // From 32 channels to the next.
  int64_t tile = 0;  // From 16 keys to the next.
};

// Packed: the head, values [channel tile][step][16 key pairs][16 channels], room for keys [key tile][step][16 keys][32 channels].
__attribute__((always_inline)) inline int64_t ValueBytes(int64_t kv_lora) { return kv_lora / kTile * kValueSteps * kTileBytes; }

int64_t PackedBytes(int64_t width, int64_t kv_lora) {
  return static_cast<int64_t>(sizeof(PackedHead)) + ValueBytes(kv_lora) + kBlockKeys * ScoreSteps(width) * kLine;
}

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

// Two keys' channels, taken in turn.
void PackValues(const uint16_t* page, int64_t count, int64_t width, int64_t kv_lora, char* out) {
  alignas(64) uint16_t order[64];
  for (int i = 0; i < 32; ++i) {
    order[2 * i] = static_cast<uint16_t>(i);
    order[2 * i + 1] = static_cast<uint16_t>(32 + i);
  }
  const __m512i low = _mm512_load_si512(order);
  const __m512i high = _mm512_load_si512(order + 32);
  for (int64_t key = 0; key < kBlockKeys; key += 2) {
    for (int64_t channel = 0; channel < kv_lora; channel += kStepChannels) {
      const __m512i a = key < count ? Channels(page + key * width, channel, kv_lora) : _mm512_setzero_si512();
      const __m512i b = key + 1 < count ? Channels(page + (key + 1) * width, channel, kv_lora) : _mm512_setzero_si512();
      char* const tile = out + channel / kTile * kValueSteps * kTileBytes + key / 2 * kLine;
      _mm512_store_si512(tile, _mm512_permutex2var_epi16(a, low, b));
      if (channel + kTile < kv_lora) _mm512_store_si512(tile + kValueSteps * kTileBytes, _mm512_permutex2var_epi16(a, high, b));
    }
  }
}

// Whether values [count, kv_lora] have neither infinities nor NaNs.
bool Finite(const uint16_t* page, int64_t count, int64_t width, int64_t kv_lora) {
  const __m512i exponent = _mm512_set1_epi16(0x7f80);
  __mmask32 infinite = 0;
  for (int64_t key = 0; key < count; ++key) {
    for (int64_t channel = 0; channel < kv_lora; channel += kStepChannels) {
      const __m512i bits = _mm512_and_si512(Channels(page + key * width, channel, kv_lora), exponent);
      infinite |= _mm512_cmpeq_epi16_mask(bits, exponent);
    }
  }
  return infinite == 0;
}

// Tile by tile, zeros behind the width and behind `count`.
void CopyKeys(const uint16_t* page, int64_t count, int64_t width, char* out) {
  for (int64_t first = 0; first < kBlockKeys; first += kTile) {
    for (int64_t channel = 0; channel < width; channel += kStepChannels) {
      for (int64_t key = first; key < first + kTile; ++key, out += kLine) {
        _mm512_store_si512(out, key < count ? Channels(page + key * width, channel, width) : _mm512_setzero_si512());
      }
    }
  }
}

// Keys are copied where a tile would reach into the next key or into what was not written yet, and where many rows read them: in tiles they
// come from the second-level cache in one stream.
void Pack(const uint16_t* page, int64_t count, int64_t width, int64_t kv_lora, bool reused, void* out) {
  PackedHead* const head = static_cast<PackedHead*>(out);
  char* const values = reinterpret_cast<char*>(head + 1);
  if (count == kBlockKeys && width % kStepChannels == 0 && !reused) {
    const int64_t key = width * static_cast<int64_t>(sizeof(uint16_t));
    *head = {reinterpret_cast<const char*>(page), key, kLine, kTile * key};
  } else {
    *head = {values + ValueBytes(kv_lora), kLine, kTileBytes, ScoreSteps(width) * kTileBytes};
    CopyKeys(page, count, width, values + ValueBytes(kv_lora));
  }
  PackValues(page, count, width, kv_lora, values);
}

// Packed queries: [16 heads at a time][step][16 channel pairs][16 heads], zeros for heads that are not there.
int64_t QueryBytes(int64_t heads, int64_t width) { return (heads + kTile - 1) / kTile * ScoreSteps(width) * kTileBytes; }

// 32 floats from x to BF16, zeros behind the first `count`.
__attribute__((always_inline)) inline __m512i Round(const float* x, int64_t count) {
  const __m512 low = _mm512_maskz_loadu_ps(FirstLanes(count), x);
  const __m512 high = _mm512_maskz_loadu_ps(FirstLanes(count - 16), x + 16);
  const auto rounded = _mm512_cvtne2ps_pbh(high, low);
  return reinterpret_cast<const __m512i&>(rounded);
}

void PackQueries(const float* query, int64_t heads, int64_t width, void* out) {
  char* to = static_cast<char*>(out);
  for (int64_t first = 0; first < heads; first += kTile) {
    for (int64_t channel = 0; channel < width; channel += kStepChannels, to += kTileBytes) {
      __m512i rows[16];
#pragma GCC unroll 16
      for (int i = 0; i < 16; ++i) {
        rows[i] = first + i < heads ? Round(query + (first + i) * width + channel, width - channel) : _mm512_setzero_si512();
      }
      Transpose(rows);
#pragma GCC unroll 16
      for (int i = 0; i < 16; ++i) _mm512_store_si512(to + i * kLine, rows[i]);
    }
  }
}

// For scores all registers are whole. For values 0 .. 3 have a row a head.
void Configure(int64_t heads) {
  amx::TileConfig config;
  for (int tile = 0; tile < 8; ++tile) config.SetRows(tile, tile < 4 ? heads : kTile);
  config.Load();
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

// scores [64, 16 heads] = keys times packed queries.
void Scores(const PackedHead& keys, const char* queries, int64_t steps, Ahead& ahead, float (&scores)[kBlockKeys][kTile]) {
  amx::WritesBeforeLoads();
  _tile_zero(0);
  _tile_zero(1);
  _tile_zero(2);
  _tile_zero(3);
  for (int64_t step = 0; step < steps; ++step) {
    const char* const left = keys.keys + step * keys.step;
    _tile_loadd(4, queries + step * kTileBytes, kLine);
    _tile_loadd(5, left, keys.key);
    _tile_dpbf16ps(0, 5, 4);
    _tile_loadd(6, left + keys.tile, keys.key);
    _tile_dpbf16ps(1, 6, 4);
    _tile_loadd(7, left + 2 * keys.tile, keys.key);
    _tile_dpbf16ps(2, 7, 4);
    _tile_loadd(5, left + 3 * keys.tile, keys.key);
    _tile_dpbf16ps(3, 5, 4);
    ahead.Piece();
  }
  _tile_stored(0, scores[0], kLine);
  _tile_stored(1, scores[kTile], kLine);
  _tile_stored(2, scores[2 * kTile], kLine);
  _tile_stored(3, scores[3 * kTile], kLine);
}

// One step of the online softmax for 16 heads at once: scores become exp(score - max), 0 behind `count`. Returns what earlier sums are
// worth now. Scores' sum has four parts, of every fourth key.
__m512 Softmax(const Block& block, int64_t head, __mmask16 heads, float (&scores)[kBlockKeys][kTile]) {
  const __m512 scale = _mm512_set1_ps(block.scale);
  const __m512 old = block.first ? _mm512_set1_ps(-__builtin_inff()) : _mm512_maskz_loadu_ps(heads, block.max + head);
  __m512 top = old;
  for (int64_t key = 0; key < block.count; ++key) {
    const __m512 scaled = _mm512_mul_ps(scale, _mm512_load_ps(scores[key]));
    _mm512_store_ps(scores[key], scaled);
    top = _mm512_max_ps(top, scaled);
  }
  __m512 sums[4] = {};
  for (int64_t key = 0; key < kBlockKeys; key += 4) {
#pragma GCC unroll 4
    for (int64_t i = 0; i < 4; ++i) {
      const __m512 weight = key + i < block.count ? avx512::Exp(_mm512_sub_ps(_mm512_load_ps(scores[key + i]), top)) : _mm512_setzero_ps();
      _mm512_store_ps(scores[key + i], weight);
      sums[i] = _mm512_add_ps(sums[i], weight);
    }
  }
  const __m512 sum = _mm512_add_ps(_mm512_add_ps(sums[0], sums[1]), _mm512_add_ps(sums[2], sums[3]));
  const __m512 decay = block.first ? _mm512_setzero_ps() : avx512::Exp(_mm512_sub_ps(old, top));
  const __m512 all = block.first ? sum : _mm512_fmadd_ps(_mm512_maskz_loadu_ps(heads, block.sum + head), decay, sum);
  _mm512_mask_storeu_ps(block.max + head, heads, top);
  _mm512_mask_storeu_ps(block.sum + head, heads, all);
  return decay;
}

// [64 keys, 16 heads] to BF16 [16 heads, 64 keys].
void TurnWeights(const float (&weights)[kBlockKeys][kTile], char (&turned)[kTile][kValueSteps * kLine]) {
  alignas(64) uint16_t order[32];
  for (int i = 0; i < 16; ++i) {
    order[2 * i] = static_cast<uint16_t>(i);
    order[2 * i + 1] = static_cast<uint16_t>(16 + i);
  }
  const __m512i in_turn = _mm512_load_si512(order);
#pragma GCC unroll 1
  for (int64_t step = 0; step < kValueSteps; ++step) {
    __m512i pairs[16];
#pragma GCC unroll 16
    for (int i = 0; i < 16; ++i) pairs[i] = _mm512_permutexvar_epi16(in_turn, Round(weights[step * kStepChannels + 2 * i], kStepChannels));
    Transpose(pairs);
#pragma GCC unroll 16
    for (int i = 0; i < 16; ++i) _mm512_store_si512(turned[i] + step * kLine, pairs[i]);
  }
}

void ScaleRow(float factor, int64_t count, float* row) {
  if (factor == 1.0f) return;
  for (int64_t c = 0; c < count; c += kTile) _mm512_storeu_ps(row + c, _mm512_mul_ps(_mm512_set1_ps(factor), _mm512_loadu_ps(row + c)));
}

// acc [heads, kv_lora] += weights [heads, 64] times packed values, two tiles of channels at a time.
void AddValues(const Block& block, const char (&weights)[kTile][kValueSteps * kLine], const char* values, Ahead& ahead, float* acc) {
  const int64_t stride = block.kv_lora * static_cast<int64_t>(sizeof(float));
  const int64_t tiles = block.kv_lora / kTile;
  amx::WritesBeforeLoads();
  _tile_loadd(2, weights[0], kValueSteps * kLine);
  _tile_loadd(3, weights[0] + kLine, kValueSteps * kLine);
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
  const PackedHead& keys = *static_cast<const PackedHead*>(block.keys);
  const char* const values = reinterpret_cast<const char*>(&keys + 1);
  const int64_t steps = ScoreSteps(block.width);
  const int64_t pieces = steps + (block.kv_lora / kTile + 1) / 2;
  Ahead ahead(block.next_page, kBlockKeys * block.width * static_cast<int64_t>(sizeof(uint16_t)), pieces);
  alignas(64) float scores[kBlockKeys][kTile];
  alignas(64) char weights[kTile][kValueSteps * kLine];
  alignas(64) float decay[kTile];
  Configure(kTile);
  for (int64_t head = 0; head < block.heads; head += kTile) {
    const int64_t heads = block.heads - head < kTile ? block.heads - head : kTile;
    float* const acc = block.acc + head * block.kv_lora;
    Scores(keys, static_cast<const char*>(block.query) + head / kTile * steps * kTileBytes, steps, ahead, scores);
    _mm512_store_ps(decay, Softmax(block, head, FirstLanes(heads), scores));
    TurnWeights(scores, weights);
    for (int64_t h = 0; h < heads && !block.first; ++h) ScaleRow(decay[h], block.kv_lora, acc + h * block.kv_lora);
    if (heads < kTile) Configure(heads);  // Only the last ones.
    AddValues(block, weights, values, ahead, acc);
  }
  _tile_release();
}

}  // namespace

Kernel Amx() { return {PackedBytes, Pack, Finite, QueryBytes, PackQueries, Attend, kTile}; }

}  // namespace baleen::mla
