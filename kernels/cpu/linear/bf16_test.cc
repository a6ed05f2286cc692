// The two AVX-512 kernels for BF16, of which the CPU picks one, must give the same bits; AMX gives those of its own formula.
#include <immintrin.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <random>
#include <vector>

#include "base/dtype.h"
#include "gtest/gtest.h"
#include "kernels/aligned_buffer.h"
#include "kernels/cpu/linear/panel.h"
#include "kernels/isa.h"

namespace baleen::linear {
namespace {

// BF16 bits from an exponent range; subnormals where it starts at 0.
Bf16 RandomBf16(std::mt19937* generator, int lowest_exponent, int exponents) {
  const uint32_t bits = (*generator)();
  return static_cast<Bf16>((bits & 0x807f) | ((lowest_exponent + (bits >> 16) % exponents) << 7));
}

struct Case {
  int lowest_exponent;
  int exponents;
};

void Compare(const PanelKernel& a, const PanelKernel& b, Case range) {
  constexpr int64_t kSteps = 200;
  constexpr int64_t kM = 11;
  constexpr int64_t kPanels = 4;
  std::mt19937 generator(7);
  AlignedBuffer weights(kPanels * kSteps * 64);
  for (int64_t i = 0; i < kPanels * kSteps * 32; ++i) {
    static_cast<Bf16*>(weights.data())[i] = RandomBf16(&generator, range.lowest_exponent, range.exponents);
  }
  std::vector<Bf16> x(kM * 2 * kSteps);
  for (Bf16& value : x) value = RandomBf16(&generator, range.lowest_exponent, range.exponents);
  std::vector<float> x_f32(x.size());
  for (size_t i = 0; i < x.size(); ++i) x_f32[i] = Bf16ToF32(x[i]);
  const auto run = [&](const PanelKernel& kernel) {
    std::vector<float> y(kM * kPanels * kPanelOutputs, NAN);
    kernel.run({.panels = weights.data(),
                .panel_bytes = kSteps * 64,
                .panel_count = kPanels,
                .steps = kSteps,
                .x = kernel.inputs == Inputs::kBf16 ? static_cast<const void*>(x.data()) : x_f32.data(),
                .ldx = 2 * kSteps,
                .m = kM,
                .y = y.data(),
                .ldy = kPanels * kPanelOutputs,
                .outputs = kPanels * kPanelOutputs});
    return y;
  };
  const std::vector<float> ya = run(a);
  const std::vector<float> yb = run(b);
  int differ = 0;
  for (size_t i = 0; i < ya.size(); ++i) differ += std::memcmp(&ya[i], &yb[i], sizeof(float)) != 0;
  EXPECT_EQ(differ, 0) << "of " << ya.size() << " from exponent " << range.lowest_exponent;
}

// Ordinary values; values whose products are subnormal; subnormal inputs; values that overflow.
constexpr Case kCases[] = {{110, 30}, {50, 30}, {60, 8}, {0, 4}, {0, 255}, {180, 30}};

TEST(LinearBf16Test, DotAndFmaAgree) {
  if (!Supported(Isa::kAvx512) || !__builtin_cpu_supports("avx512bf16")) GTEST_SKIP() << "this CPU lacks avx512bf16";
  for (const Case& range : kCases) Compare(Avx512Bf16Dot(), Avx512Bf16Fma(), range);
}

TEST(LinearBf16Test, Avx2AndAvx512Agree) {
  if (!Supported(Isa::kAvx512)) GTEST_SKIP() << "this CPU lacks avx512";
  for (const Case& range : kCases) Compare(Avx2Bf16(), Avx512Bf16Fma(), range);
}

// The formula of panel.h for one output, subnormals as zeros.
float AmxDot(const std::vector<Bf16>& x, const std::vector<Bf16>& w) {
  const unsigned mode = _mm_getcsr();
  _mm_setcsr(0x9fc0);
  volatile float sum = 0;
  for (size_t block = 0; block < x.size(); block += 32) {
    float even = 0;
    float odd = 0;
    for (size_t k = block; k < std::min(x.size(), block + 32); k += 2) {
      even = std::fma(Bf16ToF32(x[k]), Bf16ToF32(w[k]), even);
      odd = std::fma(Bf16ToF32(x[k + 1]), Bf16ToF32(w[k + 1]), odd);
    }
    volatile float both = even + odd;
    sum = sum + both;
  }
  _mm_setcsr(mode);
  return sum;
}

TEST(LinearBf16Test, AmxFollowsItsFormula) {
  if (!Supported(Isa::kAmx)) GTEST_SKIP() << "this CPU lacks amx";
  constexpr int64_t kSteps = 200;
  constexpr int64_t kPadded = 208;
  std::mt19937 generator(7);
  for (const Case& range : kCases) {
    std::vector<std::vector<Bf16>> w(kPanelOutputs, std::vector<Bf16>(2 * kSteps));
    AlignedBuffer panel(kPadded * 64);
    for (int o = 0; o < kPanelOutputs; ++o) {
      for (int64_t k = 0; k < 2 * kSteps; ++k) {
        w[o][k] = RandomBf16(&generator, range.lowest_exponent, range.exponents);
        static_cast<Bf16*>(panel.data())[(k / 2 * kPanelOutputs + o) * 2 + k % 2] = w[o][k];
      }
    }
    std::vector<Bf16> x(2 * kSteps);
    for (Bf16& value : x) value = RandomBf16(&generator, range.lowest_exponent, range.exponents);
    std::vector<Bf16> padded = x;
    padded.resize(2 * kPadded);
    float y[kPanelOutputs];
    AmxBf16().run({.panels = panel.data(),
                   .panel_bytes = kPadded * 64,
                   .panel_count = 1,
                   .steps = kSteps,
                   .x = padded.data(),
                   .ldx = 2 * kPadded,
                   .m = 1,
                   .y = y,
                   .ldy = kPanelOutputs,
                   .outputs = kPanelOutputs});
    for (int o = 0; o < kPanelOutputs; ++o) {
      const float expected = AmxDot(x, w[o]);
      // A NaN's payload is nobody's business.
      if (std::isnan(expected)) {
        EXPECT_TRUE(std::isnan(y[o]));
      } else {
        EXPECT_EQ(std::memcmp(&y[o], &expected, sizeof(float)), 0) << y[o] << " for " << expected;
      }
    }
  }
}

}  // namespace
}  // namespace baleen::linear
