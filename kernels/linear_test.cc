#include "kernels/linear.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "kernels/quantize.h"

namespace baleen {
namespace {

constexpr Isa kIsas[] = {Isa::kReference, Isa::kAvx2, Isa::kAvx512, Isa::kAmx};

std::vector<float> Random(int64_t count, uint32_t seed) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> normal;
  std::vector<float> values(count);
  for (float& value : values) value = normal(generator);
  return values;
}

// values [rows, cols] as kI8 has them: the nearest of 255 multiples of a 127th of the block's greatest magnitude.
std::vector<float> RoundedToInt8(std::vector<float> values, int64_t cols) {
  for (size_t row = 0; row < values.size(); row += cols) {
    for (int64_t begin = 0; begin < cols; begin += 128) {
      const int64_t end = std::min(cols, begin + 128);
      float greatest = 0;
      for (int64_t c = begin; c < end; ++c) greatest = std::max(greatest, std::fabs(values[row + c]));
      for (int64_t c = begin; c < end; ++c) values[row + c] = std::nearbyint(values[row + c] * (127 / greatest)) * (greatest / 127);
    }
  }
  return values;
}

std::vector<float> RoundedToBf16(std::vector<float> values) {
  for (float& value : values) value = Bf16ToF32(F32ToBf16(value));
  return values;
}

std::vector<float> RoundedInputs(DType compute, const std::vector<float>& x, int64_t cols) {
  if (compute == DType::kF32) return x;
  return compute == DType::kI8 ? RoundedToInt8(x, cols) : RoundedToBf16(x);
}

std::vector<float> RoundedWeights(DType compute, const std::vector<float>& w, int64_t rows, int64_t cols) {
  if (compute != DType::kF8E4m3) return RoundedInputs(compute, w, cols);
  std::vector<float> values(w.size());
  Dequantize(QuantizeFp8({.data = w.data(), .dtype = DType::kF32, .rows = rows, .cols = cols}).view, values.data());
  return RoundedToBf16(values);
}

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

INSTANTIATE_TEST_SUITE_P(All, LinearTest,
                         testing::Combine(testing::ValuesIn(kIsas), testing::Values(DType::kF32, DType::kBf16, DType::kF8E4m3, DType::kI8)),
                         [](const auto& info) {
                           return std::string(NameOf(std::get<0>(info.param))) + "_" + NameOf(std::get<1>(info.param));
                         });

TEST_P(LinearTest, AgreesWithDoubles) {
  for (const int64_t n : {1, 15, 16, 17, 50, 131}) {
    for (const int64_t k : {1, 2, 31, 64, 129, 270}) {
      const std::vector<float> w = Random(n * k, 1);
      const std::vector<float> x = Random(11 * k, 2);
      const std::vector<float> w_rounded = RoundedWeights(compute(), w, n, k);
      const std::vector<float> x_rounded = RoundedInputs(compute(), x, k);
      const PackedLinear linear = PackedLinear::Pack(F32View(w, n, k), compute(), isa());
      ASSERT_EQ(linear.outputs(), n);
      ASSERT_EQ(linear.inputs(), k);
      for (const int64_t m : {1, 2, 3, 5, 11}) {
        const std::vector<float> y = Apply(linear, x, m);
        for (int64_t i = 0; i < m * n; ++i) {
          double sum = 0;
          double magnitude = 0;
          for (int64_t c = 0; c < k; ++c) {
            const double product = static_cast<double>(x_rounded[i / n * k + c]) * w_rounded[i % n * k + c];
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
  const DType compute = this->compute() == DType::kF32 ? DType::kF32 : DType::kBf16;
  constexpr int64_t kRows = 37;
  constexpr int64_t kCols = 45;
  const std::vector<float> w = Random(kRows * kCols, 7);
  std::vector<float> turned(kRows * kCols);
  for (int64_t r = 0; r < kRows; ++r) {
    for (int64_t c = 0; c < kCols; ++c) turned[c * kRows + r] = w[r * kCols + c];
  }
  const std::vector<float> x = Random(3 * kRows, 8);
  const PackedLinear direct = PackedLinear::Pack(F32View(turned, kCols, kRows), compute, isa());
  const PackedLinear transposed = PackedLinear::PackTransposed(F32View(w, kRows, kCols), compute, isa());
  ASSERT_EQ(transposed.outputs(), kCols);
  ASSERT_EQ(transposed.inputs(), kRows);
  EXPECT_TRUE(SameBits(Apply(direct, x, 3).data(), Apply(transposed, x, 3).data(), 3 * kCols));
}

// One order of operations for every instruction set, but for BF16 in matrix registers (//kernels/cpu/linear:bf16_test).
TEST_P(LinearTest, EqualsTheReferenceToTheBit) {
  if (isa() == Isa::kAmx && compute() != DType::kF32 && compute() != DType::kI8) return;
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

// Inputs that no scale can carry: an infinity, zeros, next to nothing; and large ones.
TEST(LinearInt8Test, ExtremeInputs) {
  const std::vector<float> w = Random(40 * 300, 13);
  std::vector<float> x = Random(5 * 300, 14);
  x[7] = INFINITY;
  for (int k = 0; k < 300; ++k) x[300 + k] = 0;
  for (int k = 0; k < 300; ++k) x[600 + k] *= 1e-37f;
  for (int k = 0; k < 300; ++k) x[900 + k] *= 1e35f;
  const std::vector<float> expected = Apply(PackedLinear::Pack(F32View(w, 40, 300), DType::kI8, Isa::kReference), x, 5);
  for (int i = 0; i < 40; ++i) EXPECT_TRUE(std::isnan(expected[i])) << i;
  for (int i = 40; i < 120; ++i) EXPECT_EQ(expected[i], 0) << i;
  for (int i = 120; i < 160; ++i) EXPECT_TRUE(std::isfinite(expected[i])) << i;
  for (const Isa isa : {Isa::kAvx2, Isa::kAvx512, Isa::kAmx}) {
    if (!Supported(isa)) continue;
    const std::vector<float> y = Apply(PackedLinear::Pack(F32View(w, 40, 300), DType::kI8, isa), x, 5);
    for (int i = 0; i < 40; ++i) EXPECT_TRUE(std::isnan(y[i])) << NameOf(isa) << " " << i;
    EXPECT_TRUE(SameBits(y.data() + 40, expected.data() + 40, 160)) << NameOf(isa);
  }
}

// Of an FP8 checkpoint, FP8 panels give the bits of BF16 panels, every code and scale sign included.
TEST(LinearFp8Test, EqualsBf16OfTheSameView) {
  constexpr int64_t kRows = 215;
  constexpr int64_t kCols = 300;
  std::vector<uint8_t> codes(kRows * kCols);
  for (size_t i = 0; i < codes.size(); ++i) codes[i] = static_cast<uint8_t>(i * 37 % 254 + (i * 37 % 254 >= 127));  // All but NaN.
  const std::vector<float> scales = {0.011f, -0.02f, 0.03f, 1.7f, 0.9f, 0.5f, 0.001f, 0.007f, 0.3f};
  const std::vector<float> x = Random(7 * kCols, 15);
  for (const Isa isa : kIsas) {
    if (!Supported(isa)) continue;
    // Rows on the boundary, on a panel's boundary and on none.
    for (const int64_t first_row : {0, 112, 128, 100}) {
      const WeightView view = {.data = codes.data(),
                               .dtype = DType::kF8E4m3,
                               .rows = kRows - 50,
                               .cols = kCols,
                               .scale = scales.data(),
                               .scale_stride = 3,
                               .first_row = first_row};
      const PackedLinear fp8 = PackedLinear::Pack(view, DType::kF8E4m3, isa);
      const PackedLinear bf16 = PackedLinear::Pack(view, DType::kBf16, isa);
      EXPECT_EQ(fp8.bytes() < bf16.bytes() * 6 / 10, first_row % 16 == 0);
      EXPECT_TRUE(SameBits(Apply(fp8, x, 7).data(), Apply(bf16, x, 7).data(), 7 * view.rows)) << NameOf(isa) << " row " << first_row;
    }
  }
}

TEST(QuantizeTest, NearestE4m3) {
  for (int code = 0; code < 256; ++code) {
    const float value = F8E4m3ToF32(static_cast<uint8_t>(code));
    EXPECT_EQ(F32ToF8E4m3(value), std::isnan(value) ? (code & 0x80) | 0x7f : code);
  }
  for (int code = 0; code < 0x7e; ++code) {  // Between neighbours; ties go to the even code.
    const float low = F8E4m3ToF32(static_cast<uint8_t>(code));
    const float high = F8E4m3ToF32(static_cast<uint8_t>(code + 1));
    const float middle = (low + high) / 2;
    EXPECT_EQ(F32ToF8E4m3(middle), code + code % 2) << code;
    EXPECT_EQ(F32ToF8E4m3(-std::nextafter(middle, 0.0f)), code | 0x80) << code;
    EXPECT_EQ(F32ToF8E4m3(std::nextafter(middle, 1000.0f)), code + 1) << code;
  }
  EXPECT_EQ(F32ToF8E4m3(1e9f), 0x7e);
  EXPECT_EQ(F32ToF8E4m3(-INFINITY), 0xfe);
}

// A block of next to nothing, which no scale can carry, is zeros; its neighbours have scales of their own.
TEST(QuantizeTest, BlocksOfNextToNothingAreZeros) {
  constexpr int64_t kCols = 400;
  const float magnitudes[] = {1e-45f, 1e-37f, 1.4e-36f, 2e-36f};
  std::vector<float> w(kCols);
  for (int64_t c = 0; c < kCols; c += 3) w[c] = (c % 2 == 0 ? 1.0f : -1.0f) * magnitudes[c / 128];
  std::vector<float> out(kCols, NAN);
  Dequantize(QuantizeFp8(F32View(w, 1, kCols)).view, out.data());
  for (int64_t c = 0; c < kCols; ++c) EXPECT_NEAR(out[c], c < 256 ? 0 : w[c], 1e-42) << c;
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

// Gives memory, and gives the same again as filled.
class Replay final : public PanelSource {
 public:
  PanelMemory Take(size_t bytes) override {
    if (next_ == taken_.size()) taken_.push_back(PrivatePanels(bytes));
    PanelMemory memory = taken_[next_++];
    EXPECT_GE(memory.size, bytes);
    memory.filled = next_ <= filled_;
    return memory;
  }
  // So many of the first takes are filled now.
  void Again(size_t filled = std::numeric_limits<size_t>::max()) {
    next_ = 0;
    filled_ = filled;
  }

 private:
  std::vector<PanelMemory> taken_;
  size_t next_ = 0;
  size_t filled_ = 0;
};

// Filled panels are taken as they are: the view's data is not there any more.
TEST(PanelSourceTest, FilledPanelsAreUsed) {
  constexpr int64_t kRows = 150, kCols = 200;
  std::vector<float> w(kRows * kCols), x(3 * kCols);
  for (size_t i = 0; i < w.size(); ++i) w[i] = static_cast<float>(i % 37) - 18;
  for (size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i % 11) - 5;
  for (const DType compute : {DType::kF32, DType::kBf16, DType::kI8, DType::kF8E4m3}) {
    WeightView view = F32View(w, kRows, kCols);
    Replay replay;
    const std::vector<float> alone = Apply(PackedLinear::Pack(view, compute, Isa::kReference), x, 3);
    EXPECT_EQ(Apply(PackedLinear::Pack(view, compute, Isa::kReference, &replay), x, 3), alone) << NameOf(compute);
    replay.Again();
    view.data = nullptr;
    EXPECT_EQ(Apply(PackedLinear::Pack(view, compute, Isa::kReference, &replay), x, 3), alone) << NameOf(compute);
  }
}

// Codes are filled, their tables are not: only these are written. Other codes in the view show it.
TEST(PanelSourceTest, FilledPanelsAreNotWrittenBesideOthers) {
  constexpr int64_t kRows = 20, kCols = 100;
  std::vector<uint8_t> codes(kRows * kCols, 0x38);
  const float scale = 0.5f;
  const std::vector<float> x(kCols, 1.0f);
  const WeightView view = {.data = codes.data(), .dtype = DType::kF8E4m3, .rows = kRows, .cols = kCols, .scale = &scale, .scale_stride = 1};
  Replay replay;
  const std::vector<float> first = Apply(PackedLinear::Pack(view, DType::kF8E4m3, Isa::kReference, &replay), x, 1);
  EXPECT_EQ(first, std::vector<float>(kRows, 50.0f));
  std::fill(codes.begin(), codes.end(), uint8_t{0});
  replay.Again(1);
  EXPECT_EQ(Apply(PackedLinear::Pack(view, DType::kF8E4m3, Isa::kReference, &replay), x, 1), first);
}

}  // namespace
}  // namespace baleen
