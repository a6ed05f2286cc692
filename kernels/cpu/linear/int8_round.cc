#include "kernels/cpu/linear/int8_round.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include "kernels/cpu/linear/panel.h"

namespace baleen::linear {
namespace {

// Adding and taking away 1.5 * 2^23 leaves the nearest integer, ties to even.
constexpr float kRounder = 12582912.0f;

// Compiled three times for speed alone: without contraction all give the same bits.
__attribute__((always_inline)) inline float RoundBlock(const float* x, int64_t count, int8_t* codes) {
  uint32_t greatest = 0;
  for (int64_t i = 0; i < count; ++i) greatest = std::max(greatest, std::bit_cast<uint32_t>(x[i]) & 0x7fffffffu);
  const bool finite = greatest < 0x7f800000u;
  const float magnitude = std::bit_cast<float>(greatest);
  if (!finite || magnitude < kLeastInt8Magnitude) {
    std::fill_n(codes, count, int8_t{0});
    return finite ? 0.0f : NAN;
  }
  const float inverse = 127.0f / magnitude;
  for (int64_t i = 0; i < count; ++i) codes[i] = static_cast<int8_t>(static_cast<int32_t>(x[i] * inverse + kRounder - kRounder));
  return magnitude / 127.0f;
}

float RoundBlockPlain(const float* x, int64_t count, int8_t* codes) { return RoundBlock(x, count, codes); }
__attribute__((target("avx2"))) float RoundBlockAvx2(const float* x, int64_t count, int8_t* codes) { return RoundBlock(x, count, codes); }
__attribute__((target("avx512f,avx512bw,avx512vl,prefer-vector-width=512"))) float RoundBlockAvx512(const float* x, int64_t count,
                                                                                                    int8_t* codes) {
  return RoundBlock(x, count, codes);
}

auto PickRoundBlock() {
  if (__builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl")) return RoundBlockAvx512;
  return __builtin_cpu_supports("avx2") ? RoundBlockAvx2 : RoundBlockPlain;
}

}  // namespace

float RoundInt8Block(const float* x, int64_t count, int8_t* codes) {
  static const auto round = PickRoundBlock();
  return round(x, count, codes);
}

void RoundInt8Row(const float* x, int64_t k, void* out, int64_t ld) {
  const int64_t blocks = BlocksOf(k);
  int8_t* codes = static_cast<int8_t*>(out);
  char* scales = static_cast<char*>(out) + blocks * kBlockInputs;
  std::fill(codes + k, codes + blocks * kBlockInputs, int8_t{0});
  for (int64_t block = 0; block < blocks; ++block) {
    int8_t* const first = codes + block * kBlockInputs;
    const float scale = RoundInt8Block(x + block * kBlockInputs, std::min<int64_t>(kBlockInputs, k - block * kBlockInputs), first);
    int32_t sum = 0;
    for (int i = 0; i < kBlockInputs; ++i) sum += first[i];
    const int32_t offset = -128 * sum;
    std::memcpy(scales + block * sizeof(float), &scale, sizeof(scale));
    std::memcpy(scales + (blocks + block) * sizeof(float), &offset, sizeof(offset));
  }
}

}  // namespace baleen::linear
