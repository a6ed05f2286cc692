// The two AVX-512 kernels for BF16, of which the CPU's vendor picks one, must give the same bits.
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
  if (!Supported(Isa::kAvx512)) GTEST_SKIP() << "this CPU lacks avx512";
  for (const Case& range : kCases) Compare(Avx512Bf16Dot(), Avx512Bf16Fma(), range);
}

TEST(LinearBf16Test, Avx2AndAvx512Agree) {
  if (!Supported(Isa::kAvx512)) GTEST_SKIP() << "this CPU lacks avx512";
  for (const Case& range : kCases) Compare(Avx2Bf16(), Avx512Bf16Fma(), range);
}

}  // namespace
}  // namespace baleen::linear
