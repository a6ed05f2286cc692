#include "kernels/linear.h"

#include <cmath>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace baleen {
namespace {

constexpr Isa kIsas[] = {Isa::kReference, Isa::kAvx2, Isa::kAvx512};

std::vector<float> Random(int64_t count, uint32_t seed) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> normal;
  std::vector<float> values(count);
  for (float& value : values) value = normal(generator);
  return values;
}

float Rounded(DType compute, float value) { return compute == DType::kBf16 ? Bf16ToF32(F32ToBf16(value)) : value; }

WeightView F32View(const std::vector<float>& data, int64_t rows, int64_t cols) {
  return {.data = data.data(), .dtype = DType::kF32, .rows = rows, .cols = cols};
}

// [m, outputs], rows packed; starts out poisoned.
std::vector<float> Apply(const PackedLinear& linear, const std::vector<float>& x, int64_t m, ThreadPool* pool = nullptr) {
  std::vector<float> y(m * linear.outputs(), NAN);
  linear.Apply(x.data(), m, linear.inputs(), y.data(), linear.outputs(), pool);
  return y;
}

bool SameBits(const float* a, const float* b, int64_t count) { return std::memcmp(a, b, count * sizeof(float)) == 0; }

class LinearTest : public testing::TestWithParam<std::tuple<Isa, DType>> {
 protected:
  void SetUp() override {
    if (!Supported(isa())) GTEST_SKIP() << "this CPU lacks " << NameOf(isa());
  }
  Isa isa() const { return std::get<0>(GetParam()); }
  DType compute() const { return std::get<1>(GetParam()); }
};

INSTANTIATE_TEST_SUITE_P(All, LinearTest, testing::Combine(testing::ValuesIn(kIsas), testing::Values(DType::kF32, DType::kBf16)),
                         [](const auto& info) {
                           return std::string(NameOf(std::get<0>(info.param))) + "_" + NameOf(std::get<1>(info.param));
                         });

TEST_P(LinearTest, AgreesWithDoubles) {
  for (const int64_t n : {1, 15, 16, 17, 50, 131}) {
    for (const int64_t k : {1, 2, 31, 64, 129}) {
      const std::vector<float> w = Random(n * k, 1);
      const std::vector<float> x = Random(11 * k, 2);
      const PackedLinear linear = PackedLinear::Pack(F32View(w, n, k), compute(), isa());
      ASSERT_EQ(linear.outputs(), n);
      ASSERT_EQ(linear.inputs(), k);
      for (const int64_t m : {1, 2, 3, 5, 11}) {
        const std::vector<float> y = Apply(linear, x, m);
        for (int64_t i = 0; i < m * n; ++i) {
          double sum = 0;
          double magnitude = 0;
          for (int64_t c = 0; c < k; ++c) {
            const double product = static_cast<double>(Rounded(compute(), x[i / n * k + c])) * Rounded(compute(), w[i % n * k + c]);
            sum += product;
            magnitude += std::fabs(product);
          }
          ASSERT_NEAR(y[i], sum, 1e-7 * (k + 2) * magnitude) << "m " << m << " n " << n << " k " << k << " at " << i;
        }
      }
    }
  }
}

TEST_P(LinearTest, StridesAreKeptAndNothingElseIsWritten) {
  const std::vector<float> w = Random(21 * 19, 3);
  const std::vector<float> x = Random(4 * 19, 4);
  std::vector<float> wide(4 * 30, NAN);
  for (int r = 0; r < 4; ++r) std::copy_n(x.data() + r * 19, 19, wide.data() + r * 30);
  const PackedLinear linear = PackedLinear::Pack(F32View(w, 21, 19), compute(), isa());
  const std::vector<float> packed = Apply(linear, x, 4);
  std::vector<float> y(4 * 40, -7.0f);
  linear.Apply(wide.data(), 4, 30, y.data(), 40, nullptr);
  for (int r = 0; r < 4; ++r) {
    EXPECT_TRUE(SameBits(y.data() + r * 40, packed.data() + r * 21, 21)) << r;
    for (int c = 21; c < 40; ++c) EXPECT_EQ(y[r * 40 + c], -7.0f);
  }
}

// The contract: neither batch size, nor place in the batch, nor thread count changes a bit of a row.
TEST_P(LinearTest, RowsAreInvariant) {
  constexpr int64_t kN = 211;
  constexpr int64_t kK = 333;
  constexpr int64_t kRows = 300;  // More than one slice.
  const std::vector<float> w = Random(kN * kK, 5);
  const std::vector<float> x = Random(kRows * kK, 6);
  const PackedLinear linear = PackedLinear::Pack(F32View(w, kN, kK), compute(), isa());
  const std::vector<float> whole = Apply(linear, x, kRows);
  ThreadPool pool(2);
  EXPECT_TRUE(SameBits(whole.data(), Apply(linear, x, kRows, &pool).data(), kRows * kN));
  for (const int64_t m : {1, 2, 3, 6, 7, 64}) {
    for (int64_t first = 0; first + m <= kRows; first += 2 * m + 31) {
      const std::vector<float> slice(x.begin() + first * kK, x.begin() + (first + m) * kK);
      EXPECT_TRUE(SameBits(whole.data() + first * kN, Apply(linear, slice, m).data(), m * kN)) << m << " rows at " << first;
      EXPECT_TRUE(SameBits(whole.data() + first * kN, Apply(linear, slice, m, &pool).data(), m * kN)) << m << " rows at " << first;
    }
  }
}

TEST_P(LinearTest, TransposedIsTheSame) {
  constexpr int64_t kRows = 37;
  constexpr int64_t kCols = 45;
  const std::vector<float> w = Random(kRows * kCols, 7);
  std::vector<float> turned(kRows * kCols);
  for (int64_t r = 0; r < kRows; ++r) {
    for (int64_t c = 0; c < kCols; ++c) turned[c * kRows + r] = w[r * kCols + c];
  }
  const std::vector<float> x = Random(3 * kRows, 8);
  const PackedLinear direct = PackedLinear::Pack(F32View(turned, kCols, kRows), compute(), isa());
  const PackedLinear transposed = PackedLinear::PackTransposed(F32View(w, kRows, kCols), compute(), isa());
  ASSERT_EQ(transposed.outputs(), kCols);
  ASSERT_EQ(transposed.inputs(), kRows);
  EXPECT_TRUE(SameBits(Apply(direct, x, 3).data(), Apply(transposed, x, 3).data(), 3 * kCols));
}

// One order of operations for every instruction set.
TEST_P(LinearTest, EqualsTheReferenceToTheBit) {
  const std::vector<float> w = Random(100 * 257, 9);
  const std::vector<float> x = Random(9 * 257, 10);
  const PackedLinear reference = PackedLinear::Pack(F32View(w, 100, 257), compute(), Isa::kReference);
  const PackedLinear linear = PackedLinear::Pack(F32View(w, 100, 257), compute(), isa());
  EXPECT_TRUE(SameBits(Apply(reference, x, 9).data(), Apply(linear, x, 9).data(), 9 * 100));
}

// A NaN in one row or one output channel stays there.
TEST_P(LinearTest, NansDoNotSpread) {
  std::vector<float> w = Random(20 * 33, 11);
  std::vector<float> x = Random(10 * 33, 12);
  x[4 * 33 + 32] = NAN;
  w[19 * 33] = NAN;
  const std::vector<float> y = Apply(PackedLinear::Pack(F32View(w, 20, 33), compute(), isa()), x, 10);
  for (int i = 0; i < 200; ++i) EXPECT_EQ(std::isnan(y[i]), i / 20 == 4 || i % 20 == 19) << i;
}

TEST(DequantizeTest, Fp8BlocksIncludingTheRaggedOne) {
  constexpr int64_t kRows = 130;
  constexpr int64_t kCols = 200;
  std::vector<uint8_t> codes(kRows * kCols);
  for (size_t i = 0; i < codes.size(); ++i) codes[i] = static_cast<uint8_t>(i * 37 % 127);
  // Rows 100 .. 229 of a tensor of 300 x 200: scale rows 0 and 1 of [3, 2].
  const std::vector<float> scales = {1, 2, 3, 4, 5, 6};
  const WeightView view = {.data = codes.data(),
                           .dtype = DType::kF8E4m3,
                           .rows = kRows,
                           .cols = kCols,
                           .scale = scales.data(),
                           .scale_stride = 2,
                           .first_row = 100};
  std::vector<float> out(kRows * kCols, NAN);
  Dequantize(view, out.data());
  for (int64_t r = 0; r < kRows; ++r) {
    for (int64_t c = 0; c < kCols; ++c) {
      const float scale = scales[(100 + r) / 128 * 2 + c / 128];
      ASSERT_EQ(out[r * kCols + c], F8E4m3ToF32(codes[r * kCols + c]) * scale) << r << ", " << c;
    }
  }
  const PackedLinear packed = PackedLinear::Pack(view, DType::kF32, Isa::kReference);
  const std::vector<float> one_hot = [] {
    std::vector<float> x(kCols, 0.0f);
    x[199] = 1;
    return x;
  }();
  const std::vector<float> y = Apply(packed, one_hot, 1);
  for (int64_t r = 0; r < kRows; ++r) EXPECT_EQ(y[r], out[r * kCols + 199]);
}

TEST(DequantizeTest, Bf16WithARowStride) {
  std::vector<Bf16> data(3 * 8);
  for (size_t i = 0; i < data.size(); ++i) data[i] = F32ToBf16(static_cast<float>(i));
  std::vector<float> out(3 * 5, NAN);
  Dequantize({.data = data.data() + 1, .dtype = DType::kBf16, .rows = 3, .cols = 5, .row_stride = 8}, out.data());
  for (int r = 0; r < 3; ++r) {
    for (int c = 0; c < 5; ++c) EXPECT_EQ(out[r * 5 + c], static_cast<float>(r * 8 + c + 1));
  }
}

}  // namespace
}  // namespace baleen
