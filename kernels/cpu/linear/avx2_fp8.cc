#include <immintrin.h>

#include "kernels/cpu/linear/fp8_run.h"

namespace baleen::linear {
namespace {

// A table's lower and upper bytes, 16 entries a register, in both halves: what vpshufb looks up.
struct Planes {
  __m256i lower[8];
  __m256i upper[8];
};

void Split(const uint16_t* table, Planes* planes) {
  const __m256i byte = _mm256_set1_epi16(0xff);
#pragma GCC unroll 8
  for (int i = 0; i < 8; ++i) {
    const __m256i entries = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(table + 16 * i));
    const __m256i packed = _mm256_packus_epi16(_mm256_and_si256(entries, byte), _mm256_srli_epi16(entries, 8));
    const __m256i bytes = _mm256_permute4x64_epi64(packed, 0xd8);  // Lower bytes of all entries, then upper ones.
    planes->lower[i] = _mm256_permute2x128_si256(bytes, bytes, 0x00);
    planes->upper[i] = _mm256_permute2x128_si256(bytes, bytes, 0x11);
  }
}

// A code's lower four bits are looked up in all registers, of which each next bit leaves half. Blending goes by the top bit of a byte.
__attribute__((always_inline)) inline __m256i LookUp(const __m256i (&plane)[8], __m256i codes) {
  const __m256i place = _mm256_and_si256(codes, _mm256_set1_epi8(0x0f));
  const __m256i bit4 = _mm256_slli_epi16(codes, 3);
  const __m256i bit5 = _mm256_slli_epi16(codes, 2);
  const __m256i bit6 = _mm256_slli_epi16(codes, 1);
  __m256i found[8];
#pragma GCC unroll 8
  for (int i = 0; i < 8; ++i) found[i] = _mm256_shuffle_epi8(plane[i], place);
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) found[i] = _mm256_blendv_epi8(found[2 * i], found[2 * i + 1], bit4);
  found[0] = _mm256_blendv_epi8(found[0], found[1], bit5);
  found[2] = _mm256_blendv_epi8(found[2], found[3], bit5);
  return _mm256_blendv_epi8(found[0], found[2], bit6);
}

// AVX2 has no lookup in 128 entries of 16 bits, but one in 16 of a byte: a fifth of the time of loads from the table.
void Decode(const char* codes, const uint16_t* table, int64_t steps, char* out) {
  Planes planes;
  Split(table, &planes);
  const __m256i sign = _mm256_set1_epi8(static_cast<char>(0x80));
  for (int64_t step = 0; step < steps; ++step) {
    const __m256i code = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(codes + step * kFp8StepBytes));
    const __m256i lower = LookUp(planes.lower, code);
    const __m256i upper = _mm256_xor_si256(LookUp(planes.upper, code), _mm256_and_si256(code, sign));
    const __m256i even = _mm256_unpacklo_epi8(lower, upper);  // Of each half's 16 values the first eight.
    const __m256i odd = _mm256_unpackhi_epi8(lower, upper);
    __m256i* const values = reinterpret_cast<__m256i*>(out + step * kBf16StepBytes);
    _mm256_store_si256(values, _mm256_permute2x128_si256(even, odd, 0x20));
    _mm256_store_si256(values + 1, _mm256_permute2x128_si256(even, odd, 0x31));
  }
}

}  // namespace

PanelKernel Avx2Fp8() {
  PanelKernel kernel = Avx2Bf16();
  kernel.panels_at_once = 6;
  kernel.run = RunFp8<Decode, Avx2Bf16>;
  return kernel;
}

}  // namespace baleen::linear
